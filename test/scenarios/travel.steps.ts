import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, type CompensationContext, type StepContext } from 'nest-saga';
import { Column, Entity, PrimaryColumn, type Repository } from 'typeorm';
import type { z } from 'zod';
import { Journal } from './journal.js';
import { OutsideBookings } from './outside-bookings.js';
import {
  CarRejected,
  CarReleased,
  CarReserved,
  FlightRejected,
  FlightReleased,
  FlightReserved,
  HotelRejected,
  HotelReleased,
  HotelReserved,
  ItinerarySent,
  Travel,
  TripConfirmed,
  TripMarkedFailed,
  TripRejected,
  TripRequested,
  type trip,
} from './travel.saga.js';

const { steps } = Travel;

@Entity('trip')
export class Trip {
  @PrimaryColumn({ type: 'text' }) tripId!: string;
  @Column({ type: 'text' }) status!: string;
}

/** A seat or a car that is taken. */
@Entity('reservation')
export class Reservation {
  @PrimaryColumn({ type: 'text' }) booking!: string;
}

interface Joined {
  readonly reserveFlight: FlightReserved;
  readonly reserveHotel: HotelReserved;
  readonly reserveCar: CarReserved;
}

@Injectable()
export class TripSteps {
  constructor(
    @InjectRepository(Trip) private readonly trips: Repository<Trip>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.requestTrip)
  async request(wanted: z.infer<typeof trip>): Promise<TripRequested> {
    await this.trips.insert({ tripId: wanted.tripId, status: 'requested' });
    return new TripRequested(wanted);
  }

  @Compensates(steps.requestTrip)
  async fail({ tripId }: TripRequested, saga: CompensationContext): Promise<TripMarkedFailed> {
    await this.trips.update(tripId, { status: 'failed' });
    await this.journal.note(`${tripId} failed`);
    return new TripMarkedFailed({ tripId, reason: `${saga.cause.step}: ${saga.cause.reason}` });
  }

  @SagaStep(steps.confirmTrip)
  async confirm({ reserveFlight, reserveHotel, reserveCar }: Joined): Promise<TripConfirmed | TripRejected> {
    const { tripId, booking } = reserveFlight;
    if (booking.endsWith('overpriced')) return new TripRejected({ tripId, reason: 'over budget' });
    await this.trips.update(tripId, { status: 'confirmed' });
    await this.journal.note(`${tripId} confirmed: ${[booking, reserveHotel.booking, reserveCar.booking].join(', ')}`);
    return new TripConfirmed({ tripId });
  }

  @SagaStep(steps.sendItinerary)
  async send({ tripId }: TripConfirmed): Promise<ItinerarySent> {
    await this.journal.note(`${tripId} itinerary sent`);
    return new ItinerarySent({ tripId });
  }
}

@Injectable()
export class FlightSteps {
  constructor(
    @InjectRepository(Reservation) private readonly seats: Repository<Reservation>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.reserveFlight)
  async reserve({ tripId, flight }: TripRequested): Promise<FlightReserved | FlightRejected> {
    if (flight === 'full') return new FlightRejected({ tripId, reason: 'no seat left' });
    await this.seats.insert({ booking: `${tripId}-${flight}` });
    await this.journal.note(`${tripId} flight reserved`);
    return new FlightReserved({ tripId, booking: `${tripId}-${flight}` });
  }

  @Compensates(steps.reserveFlight)
  async release(reserved: FlightReserved): Promise<FlightReleased> {
    await this.seats.delete(reserved.booking);
    await this.journal.note(`${reserved.tripId} flight released`);
    return new FlightReleased(reserved);
  }
}

@Injectable()
export class HotelSteps {
  constructor(
    private readonly hotels: OutsideBookings,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.reserveHotel)
  async reserve({ tripId, hotel }: TripRequested, saga: StepContext): Promise<HotelReserved | HotelRejected> {
    if (hotel === 'closed') return new HotelRejected({ tripId, reason: 'closed' });
    await this.hotels.book(saga.idempotencyKey, hotel);
    return new HotelReserved({ tripId, booking: saga.idempotencyKey });
  }

  @Compensates(steps.reserveHotel)
  async release(reserved: HotelReserved): Promise<HotelReleased> {
    await this.hotels.cancel(reserved.booking);
    await this.journal.note(`${reserved.tripId} hotel released`);
    return new HotelReleased(reserved);
  }
}

@Injectable()
export class CarSteps {
  constructor(
    @InjectRepository(Reservation) private readonly cars: Repository<Reservation>,
    private readonly journal: Journal,
  ) {}

  @SagaStep(steps.reserveCar)
  async reserve({ tripId, car }: TripRequested): Promise<CarReserved | CarRejected> {
    if (car === 'none') return new CarRejected({ tripId, reason: 'no car left' });
    await this.cars.insert({ booking: `${tripId}-${car}` });
    await this.journal.note(`${tripId} car reserved`);
    return new CarReserved({ tripId, booking: `${tripId}-${car}` });
  }

  @Compensates(steps.reserveCar)
  async release(reserved: CarReserved): Promise<CarReleased> {
    await this.cars.delete(reserved.booking);
    await this.journal.note(`${reserved.tripId} car released`);
    return new CarReleased(reserved);
  }
}
