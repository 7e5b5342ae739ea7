import type { BoundStep, StepContext } from '../../../libs/saga/src/flow/bound-step.js';
import type { IncomingRecord } from '../../../libs/saga/src/ports/transport.js';
import { Booking, CardCharged, CardRefunded, type RoomReserved } from './booking.js';
import type { Effects } from './effect-store.js';
import { eventRecord } from './records.js';
import { bind } from './service.js';

/** Writes a business row that joins the step's transaction. */
export const write = ({ manager }: StepContext, effect: string): number => (manager as Effects).push(effect);

/** Charges every booking; those that are named fail in their own way. */
export function charging(trouble: Record<string, () => unknown> = {}): BoundStep {
  return bind(
    Booking,
    'charge',
    (room: RoomReserved, saga) => {
      write(saga, `charge ${room.bookingId}`);
      return trouble[room.bookingId]?.() ?? new CardCharged({ bookingId: room.bookingId });
    },
    {
      undo: (done: CardCharged, saga) => {
        write(saga, `refund ${done.bookingId}`);
        return new CardRefunded({ bookingId: done.bookingId, why: `${saga.cause.step}: ${saga.cause.reason}` });
      },
    },
  );
}

/** The event that asks for the charge. */
export const reserved = (sagaId: string, bookingId = 'b-1'): IncomingRecord =>
  eventRecord(Booking, 'reserve', 'done', { bookingId }, { sagaId });
/** The event that asks for its undo. */
export const confirmRefused = (sagaId: string, reason = 'full'): IncomingRecord =>
  eventRecord(Booking, 'confirm', 'rejected', { bookingId: 'b-1', reason }, { sagaId });
