import type { TrackedSaga } from 'nest-saga';
import type { z } from 'zod';
import type { Disturbance } from './disturbances.js';
import { OutsideBookings } from './outside-bookings.js';
import { Services, type Carrier, type ServicePlan } from './services.js';
import { Travel, type trip } from './travel.saga.js';
import { CarSteps, FlightSteps, HotelSteps, Reservation, Trip, TripSteps } from './travel.steps.js';

type Wanted = Partial<z.infer<typeof trip>>;
type Name = 'trips' | 'flights' | 'hotels' | 'cars';

/** What the business finds in its tables, and the hotel in its books. */
export interface TravelState {
  readonly trip: string;
  readonly seats: number;
  readonly cars: number;
  readonly hotels: readonly string[];
}

const plansWith = (hotels: OutsideBookings): Readonly<Record<Name, ServicePlan>> => ({
  trips: { entities: [Trip], providers: [TripSteps], tracks: true },
  flights: { entities: [Reservation], providers: [FlightSteps] },
  hotels: {
    entities: [],
    providers: [HotelSteps, { provide: OutsideBookings, useValue: hotels }],
    // a call that nobody reports back from is made again after 2 s
    saga: { settings: { lease: 2_000 } },
  },
  cars: { entities: [Reservation], providers: [CarSteps] },
});

/** A travel agency of four services and an outside hotel. */
export class Agency {
  private constructor(
    readonly services: Services<Name>,
    readonly hotels: OutsideBookings,
  ) {}

  /** @param names the services that are there from the beginning */
  static async open(disturbance: Disturbance, names?: readonly Name[], carrier?: Carrier): Promise<Agency> {
    const hotels = new OutsideBookings();
    const services = await Services.of(plansWith(hotels), disturbance, carrier);
    await services.start(...(names ?? services.names));
    return new Agency(services, hotels);
  }

  async request(wanted: Wanted = {}): Promise<string> {
    const whole = { tripId: 'x', flight: 'LH1', hotel: 'Adlon', car: 'Golf', ...wanted };
    return (await this.services.sagas.start(Travel, whole)).sagaId;
  }

  async ended(wanted?: Wanted): Promise<TrackedSaga> {
    return this.services.settled(await this.request(wanted));
  }

  async state(tripId = 'x'): Promise<TravelState> {
    const [row] = await this.services.query<Trip>('trips', 'SELECT * FROM trip WHERE "tripId" = $1', [tripId]);
    const reservations = 'SELECT 1 FROM reservation';
    return {
      trip: row!.status,
      seats: (await this.services.query('flights', reservations)).length,
      cars: (await this.services.query('cars', reservations)).length,
      hotels: this.hotels.state(),
    };
  }
}
