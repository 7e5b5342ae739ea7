import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export const trip = z.object({ tripId: z.string(), flight: z.string(), hotel: z.string(), car: z.string() });
const id = { tripId: z.string() };
const leg = z.object({ ...id, booking: z.string() });
const refusal = z.object({ ...id, reason: z.string() });

export class TripRequested extends DomainEvent('trip.requested', trip) {}
export class TripMarkedFailed extends DomainEvent('trip.marked.failed', refusal) {}
export class FlightReserved extends DomainEvent('flight.reserved', leg) {}
export class FlightRejected extends DomainEvent('flight.rejected', refusal) {}
export class FlightReleased extends DomainEvent('flight.released', leg) {}
export class HotelReserved extends DomainEvent('hotel.reserved', leg) {}
export class HotelRejected extends DomainEvent('hotel.rejected', refusal) {}
export class HotelReleased extends DomainEvent('hotel.released', leg) {}
export class CarReserved extends DomainEvent('car.reserved', leg) {}
export class CarRejected extends DomainEvent('car.rejected', refusal) {}
export class CarReleased extends DomainEvent('car.released', leg) {}
export class TripConfirmed extends DomainEvent('trip.confirmed', z.object(id)) {}
export class TripRejected extends DomainEvent('trip.rejected', refusal) {}
export class ItinerarySent extends DomainEvent('itinerary.sent', z.object(id)) {}

export const Travel = defineSaga('travel', {
  requestTrip: { input: trip, emits: TripRequested, compensated: TripMarkedFailed },
  reserveFlight: { after: 'requestTrip', emits: FlightReserved, rejected: FlightRejected, compensated: FlightReleased },
  reserveHotel: {
    after: 'requestTrip',
    effect: 'external',
    emits: HotelReserved,
    rejected: HotelRejected,
    compensated: HotelReleased,
  },
  reserveCar: { after: 'requestTrip', emits: CarReserved, rejected: CarRejected, compensated: CarReleased },
  confirmTrip: {
    after: ['reserveFlight', 'reserveHotel', 'reserveCar'],
    kind: 'pivot',
    emits: TripConfirmed,
    rejected: TripRejected,
  },
  sendItinerary: { after: 'confirmTrip', kind: 'retriable', emits: ItinerarySent },
});
