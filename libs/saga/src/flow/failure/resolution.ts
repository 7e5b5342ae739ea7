import { advance } from '../../protocol/step-machine.js';
import { reasonOf } from '../../protocol/reason.js';
import { isExhausted, retryDelay } from '../../protocol/retry.js';
import type { FenceRow } from '../../ports/fence-row.js';
import { rejectedBy } from '../attempt.js';
import type { BoundStep } from '../bound-step.js';
import { rowIn } from '../draft.js';
import { known } from './intent.js';
import type { Participant } from '../participant.js';
import { abandonedIfDoomed, conclude, type Taken } from '../take.js';

/**
 * Somebody who was asked says that the step's effect did not happen and will not. A step that is doomed, or whose attempts are used up, is closed
 * now that this is sure; another one is attempted again at once.
 */
export function takeNotHappened(bound: BoundStep, row: FenceRow, attempt: string): Taken {
  if (row.status !== 'running' || row.undecided?.attempt !== attempt) return { row, verdict: 'ignored' };
  const sure = known(bound, row, { type: 'notHappened' });
  const abandoned = abandonedIfDoomed(bound, sure);
  if (abandoned) return abandoned;
  const { emit } = advance(bound.node, sure, { type: 'attemptsExhausted' });
  if (emit === 'rejected' && isExhausted(bound.retry, sure.attempts)) {
    return conclude(bound, sure, rejectedBy(bound.node, row.lastError ?? 'it did not happen'));
  }
  return { row: sure, verdict: 'handled', run: 'step' };
}

/** Nobody could be asked, or who was asked did not know: asked again, after as long as it has been unknown already. */
export function takeStillUnknown(
  { clock, chance }: Pick<Participant, 'clock' | 'chance'>,
  bound: BoundStep,
  row: FenceRow,
  asked: { readonly attempt: string; readonly error: unknown },
): Taken {
  if (row.status !== 'running' || row.undecided?.attempt !== asked.attempt) return { row, verdict: 'ignored' };
  const failingSince = row.failingSince ?? clock.now();
  const lasted = Math.max(clock.now().getTime() - failingSince.getTime(), bound.retry.firstDelay);
  const dueIn = retryDelay({ ...bound.retry, firstDelay: lasted }, 1, chance.random());
  const unknown = rowIn(row, row);
  const line = `What came of step "${row.step}" of saga ${row.sagaId} is not known yet and is asked again in ${dueIn} ms: ${reasonOf(asked.error)}`;
  return {
    row: { ...unknown, failingSince, dueIn, lastError: reasonOf(asked.error) },
    verdict: 'handled',
    parked: true,
    report: { level: 'warn', line, thrown: { error: asked.error, by: `${bound.saga.name} ${bound.node.name} asked` } },
  };
}

/**
 * An attempt that waits for a place has surely had no effect: whoever begins it when its lease ends, here or in a replica, asks nobody what came of it.
 */
export function takeNotBegun(
  { lease }: Participant['settings'],
  bound: BoundStep,
  row: FenceRow,
  attempt: string,
): Taken {
  if (row.dueIn === undefined || row.undecided?.attempt !== attempt) return { row, verdict: 'ignored' };
  return { row: { ...known(bound, row, { type: 'attemptFailed', attempt }), dueIn: lease }, verdict: 'handled' };
}

/** Only who made the latest attempt keeps the others from making it. */
export function renewed({ lease }: Participant['settings'], row: FenceRow, by: string): Taken {
  const isLatest = row.dueIn !== undefined && row.undecided?.attempt === by;
  return isLatest ? { row: { ...row, dueIn: lease }, verdict: 'handled' } : { row, verdict: 'ignored' };
}
