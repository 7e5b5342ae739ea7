import { commitStep } from '../../definition/nested.js';
import type { FenceRow } from '../../ports/fence-row.js';
import { rejectedBy } from '../attempt.js';
import type { BoundStep } from '../bound-step.js';
import type { Delivery } from '../delivery.js';
import { conclude, type Taken } from '../take.js';

/** The reason of what a deadline ended. */
export const deadlineExceeded = 'deadline exceeded';

/** The step's method has run and left the answer to somebody: nothing is due. */
export function isWaiting({ node }: BoundStep, row: FenceRow): boolean {
  return node.awaits !== undefined && row.status === 'running' && row.dueIn === undefined;
}

/** Whether a step has begun, surely without an effect, and may still be refused. Asked under the row's lock: an attempt that is being made outside is undecided. */
export function mayGiveUp({ node }: BoundStep, row: FenceRow): boolean {
  return row.status === 'running' && node.role !== 'retriable' && !node.nested && row.undecided === undefined;
}

/** Refuses a step that has begun, without its method. */
export function givenUp(bound: BoundStep, row: FenceRow, reason: string): Taken {
  return conclude(bound, row, rejectedBy(bound.node, reason));
}

/** What becomes of a step whose method has left the answer to somebody. */
export function waiting(bound: BoundStep, row: FenceRow): Taken {
  const { dueIn: _due, failingSince: _since, lastError: _error, postponed: _postponed, ...rest } = row;
  return ofNoUse(bound, { row: { ...rest, attempts: 0 }, verdict: 'handled' });
}

/**
 * A step that has begun, but has no effect, does not hold up the end of its saga: a request to abort refuses it, and so does the closing of everything
 * after it while it waits for somebody.
 */
export function unlessGivenUp(delivery: Delivery, taken: Taken): Taken {
  const { bound, happening } = delivery;
  if (happening.type !== 'signal') return taken;
  const { signal, cause, causationId } = happening;
  if (signal.type === 'successorClosed') return ofNoUse(bound, taken);
  if (signal.type !== 'abortRequested' || !mayGiveUp(bound, taken.row) || isGate(bound, taken.row)) return taken;
  const row = { ...taken.row, ...(causationId !== undefined && { causationId }), ...(cause && { cause }) };
  return givenUp(bound, row, cause?.reason ?? 'abort requested');
}

/** A step that waits for somebody, and after which nothing is open any more, is refused. */
function ofNoUse(bound: BoundStep, taken: Taken): Taken {
  const { row } = taken;
  const { role, successors } = bound.node;
  const doomed =
    role === 'compensatable' &&
    successors.length > 0 &&
    successors.every((step) => row.successorsClosed.includes(step));
  return doomed && isWaiting(bound, row) ? givenUp(bound, row, row.cause?.reason ?? 'unknown') : taken;
}

/** Only the saga around decides: what the step stands for there is done already. */
export function isGate({ node }: BoundStep, { headers }: FenceRow): boolean {
  return node.name === commitStep && headers.parent !== undefined;
}
