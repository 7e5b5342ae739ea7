import { z } from 'zod';
import { defineSaga, DomainEvent, type SagaGraph } from '../../../libs/saga/src/definition/index.js';
import { bind } from './service.js';
import { BookingConfirmed, CardCharged, CardRefunded, PaymentAsked, RoomReserved } from './booking.js';
import { write } from './charging.js';
import type { BoundStep } from '../../../libs/saga/src/flow/bound-step.js';

const booking = { bookingId: z.string() };

export class GuestChecked extends DomainEvent('guest.checked', z.object({ ...booking, trusted: z.boolean() })) {}
export class PaymentTaken extends DomainEvent('payment.taken', z.object(booking)) {}

/** The booking a year later: guests are checked before their card is charged, and nobody is sent a mail. */
export const BookingV2 = defineSaga(
  'booking',
  {
    reserve: { emits: RoomReserved },
    check: { after: 'reserve', kind: 'readOnly', emits: GuestChecked },
    charge: { after: 'check', emits: CardCharged, compensated: CardRefunded },
    confirm: { after: 'charge', kind: 'pivot', emits: BookingConfirmed },
  },
  { version: 2 },
);

/** The second booking, published by mistake under the version of the first. */
export const OtherBooking = defineSaga('booking', {
  reserve: { emits: RoomReserved },
  check: { after: 'reserve', kind: 'readOnly', emits: GuestChecked },
  charge: { after: 'check', emits: CardCharged, compensated: CardRefunded },
  confirm: { after: 'charge', kind: 'pivot', emits: BookingConfirmed },
});

/** The payment a year later, started by the same outside event. */
export const PaymentV2 = defineSaga('payment', { pay: { on: PaymentAsked, emits: PaymentTaken } }, { version: 2 });

export class StayApproved extends DomainEvent('stay.approved', z.object(booking)) {}

/** A stay that somebody approves, in two versions that differ in nothing else. */
export const stays = ([1, 2] as const).map((version) =>
  defineSaga(
    'stay',
    {
      reserve: { emits: RoomReserved },
      approve: { after: 'reserve', kind: 'pivot', awaits: 'signal', deadline: 60_000, emits: StayApproved },
    },
    { version },
  ),
);

/** Charges bookings of the second version. */
export function chargingV2(trouble: () => unknown = () => undefined, saga: SagaGraph = BookingV2): BoundStep {
  return bind(
    saga,
    'charge',
    ({ bookingId, trusted }: GuestChecked, context) => {
      write(context, `charge ${bookingId} of a ${trusted ? 'trusted' : 'new'} guest`);
      return trouble() ?? new CardCharged({ bookingId });
    },
    { undo: ({ bookingId }: CardCharged) => new CardRefunded({ bookingId, why: '' }) },
  );
}
