import type { BoundStep, StepContext } from '../../../libs/saga/src/flow/bound-step.js';
import {
  Booking,
  BookingConfirmed,
  BookingRefused,
  CardCharged,
  CardRefunded,
  MailSent,
  RoomReleased,
  RoomReserved,
} from './booking.js';
import { write } from './charging.js';
import { bind } from './service.js';

export const booking = { bookingId: 'b-1' };

/** All steps of the booking in one service; `refuses` makes the pivot say no. */
export function wholeBooking(refuses = false): readonly BoundStep[] {
  const undo = (effect: string, event: object) => (_: object, saga: StepContext) => (write(saga, effect), event);
  const step = (name: string, event: object, back?: object): BoundStep =>
    bind(
      Booking,
      name,
      (_: object, saga) => (write(saga, name), event),
      back ? { undo: undo(`un-${name}`, back) } : {},
    );
  return [
    step('reserve', new RoomReserved(booking), new RoomReleased({ ...booking, why: '' })),
    step('charge', new CardCharged(booking), new CardRefunded({ ...booking, why: '' })),
    refuses
      ? bind(Booking, 'confirm', () => new BookingRefused({ ...booking, reason: 'full' }))
      : step('confirm', new BookingConfirmed(booking)),
    step('mail', new MailSent(booking)),
  ];
}
