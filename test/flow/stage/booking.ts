import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../../libs/saga/src/definition/index.js';

const booking = { bookingId: z.string() };

export class RoomReserved extends DomainEvent(
  'room.reserved',
  z.object({ ...booking, nights: z.number().default(1) }),
) {}
export class RoomReleased extends DomainEvent('room.released', z.object({ ...booking, why: z.string() })) {}
export class CardCharged extends DomainEvent('card.charged', z.object(booking)) {}
export class CardRefused extends DomainEvent('card.refused', z.object({ ...booking, reason: z.string() })) {}
export class CardRefunded extends DomainEvent('card.refunded', z.object({ ...booking, why: z.string() })) {}
export class BookingConfirmed extends DomainEvent('booking.confirmed', z.object(booking)) {}
export class BookingRefused extends DomainEvent('booking.refused', z.object({ ...booking, reason: z.string() })) {}
export class MailSent extends DomainEvent('mail.sent', z.object(booking)) {}

/** Linear, with a pivot: every kind of step. */
export const Booking = defineSaga('booking', {
  reserve: { emits: RoomReserved, compensated: RoomReleased },
  charge: { after: 'reserve', emits: CardCharged, rejected: CardRefused, compensated: CardRefunded },
  confirm: { after: 'charge', kind: 'pivot', emits: BookingConfirmed, rejected: BookingRefused },
  mail: { after: 'confirm', kind: 'retriable', emits: MailSent },
});

export class TripPlanned extends DomainEvent('trip.planned', z.object(booking)) {}
export class FlightBooked extends DomainEvent('flight.booked', z.object({ ...booking, seat: z.string() })) {}
export class HotelBooked extends DomainEvent('hotel.booked', z.object({ ...booking, room: z.string() })) {}
export class TripPaid extends DomainEvent('trip.paid', z.object(booking)) {}

/** A fan-out and a join, with default closing events. */
export const Trip = defineSaga(
  'trip',
  {
    plan: { emits: TripPlanned },
    flight: { after: 'plan', emits: FlightBooked },
    hotel: { after: 'plan', emits: HotelBooked },
    pay: { after: ['flight', 'hotel'], kind: 'pivot', emits: TripPaid },
  },
  { partitionBy: 'bookingId' },
);

export class PaymentAsked extends DomainEvent('payment.asked', z.object({ ...booking, amount: z.number() })) {}
export class PaymentMade extends DomainEvent('payment.made', z.object(booking)) {}
export class PaymentUndone extends DomainEvent('payment.undone', z.object({ ...booking, why: z.string() })) {}
export class Delivered extends DomainEvent('goods.delivered', z.object(booking)) {}

/** Started by an outside event; its steps work outside the database. */
export const Payment = defineSaga('payment', {
  pay: { on: PaymentAsked, effect: 'external', emits: PaymentMade, compensated: PaymentUndone },
  deliver: { after: 'pay', effect: 'external', emits: Delivered },
});
