import type { SagaHeaders } from '../../protocol/envelope.js';
import type { Timer } from '../../ports/timers.js';
import type { Delivery, Settled } from '../delivery.js';
import { DueLoop } from './due-loop.js';
import type { Participant } from '../participant.js';

type Ground = Pick<Participant, 'store' | 'clock' | 'chance' | 'logger' | 'settings' | 'steps'>;

/** Lets timers end when they are due: each becomes a delivery to its step, and is gone with the commit of what follows from it. */
export function timers(ground: Ground, submit: (delivery: Delivery) => Promise<Settled>): DueLoop<Timer> {
  const { store, settings } = ground;
  return new DueLoop(ground, {
    what: 'timers',
    claim: (limit) => store.timers.claim(limit, settings.lease),
    nextDue: () => store.timers.nextDue(),
    take: (timer) => end(ground, submit, timer),
  });
}

async function end(
  { steps, logger }: Ground,
  submit: (delivery: Delivery) => Promise<Settled>,
  timer: Timer,
): Promise<void> {
  const { sagaId, step, kind } = timer;
  const headers = headersOf(timer);
  const bound = steps.ofRow({ headers, step });
  if (!bound) {
    logger.error(`The ${kind} of step "${step}" of saga ${sagaId} ended, but this service has no such step any more.`);
    return;
  }
  try {
    await submit({ sagaId, bound, headers, happening: { type: 'expired', timer: kind } });
  } catch (error) {
    logger.warn(`The ${kind} of step "${step}" of saga ${sagaId} is seen to again: ${String(error)}`);
  }
}

/** The row has the rest: there is no timer without one. */
function headersOf({ sagaId, sagaType, sagaVersion }: Timer): SagaHeaders {
  return { sagaId, sagaType, sagaVersion, correlationId: sagaId, partitionKey: sagaId };
}
