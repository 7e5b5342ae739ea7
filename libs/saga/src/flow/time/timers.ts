import { reasonOf } from '../../protocol/reason.js';
import type { SagaHeaders } from '../../protocol/envelope.js';
import type { Timer } from '../../ports/timers.js';
import type { Delivery, Settled } from '../delivery.js';
import { leftToOthers } from '../failure/hand-back.js';
import { DueLoop } from './due-loop.js';
import { OtherGraph } from '../versions/other-graph.js';
import type { Participant } from '../participant.js';

type Ground = Pick<Participant, 'store' | 'clock' | 'chance' | 'logger' | 'outage' | 'settings' | 'steps'>;
type Submit = (delivery: Delivery) => Promise<Settled>;

/** Lets timers end when they are due: each becomes a delivery to its step, and is gone with the commit of what follows from it. */
export function timers(ground: Ground, submit: Submit): DueLoop<Timer> {
  const { store, settings } = ground;
  const left = new Set<string>();
  return new DueLoop(ground, {
    what: 'timers',
    claim: (limit) => store.timers.claim(limit, settings.lease),
    // Who has to leave timers to others is not there first when they are due.
    nextDue: async () => (left.size > 0 ? undefined : store.timers.nextDue()),
    take: (timer) => end(ground, submit, left, timer),
  });
}

async function end(ground: Ground, submit: Submit, left: Set<string>, timer: Timer): Promise<void> {
  const { sagaId, step, kind } = timer;
  const headers = headersOf(timer);
  const bound = ground.steps.ofRow({ headers, step });
  try {
    if (!bound) return await leave(ground, left, timer);
    await submit({ sagaId, bound, headers, happening: { type: 'expired', timer: kind } });
  } catch (error) {
    if (error instanceof OtherGraph) return leave(ground, left, timer, error.why);
    ground.logger.warn(`The ${kind} of step "${step}" of saga ${sagaId} is seen to again: ${reasonOf(error)}`);
  }
}

/** Said once for a step: its timers come again until somebody can end them. */
async function leave(
  { store, chance, logger }: Ground,
  left: Set<string>,
  timer: Timer,
  because?: string,
): Promise<void> {
  const { sagaId, sagaType, sagaVersion } = timer;
  const step = `step "${timer.step}" of saga "${sagaType}" version ${sagaVersion}`;
  if (!left.has(step))
    logger.error(
      `This process ${because === undefined ? `does not have ${step}` : `cannot move ${step}, because ${because}`}, of which the ${timer.kind} of saga ${sagaId} and maybe more ended; they are left to replicas that have.`,
    );
  left.add(step);
  await store.timers.handBack(timer, leftToOthers(chance));
}

/** The row has the rest: there is no timer without one. */
function headersOf({ sagaId, sagaType, sagaVersion }: Timer): SagaHeaders {
  return { sagaId, sagaType, sagaVersion, correlationId: sagaId, partitionKey: sagaId };
}
