import type { FenceRow } from '../../ports/fence-row.js';
import type { StepTransaction } from '../../ports/step-store.js';
import type { TimerKey } from '../../ports/timers.js';
import type { Delivery } from '../delivery.js';
import type { Taken } from '../take.js';
import { deadlineExceeded, givenUp, isGate, isWaiting, mayGiveUp } from './give-up.js';

/**
 * What becomes of a step whose deadline, or that of its saga, has passed when it is signaled, or when another attempt of it is due: it is refused, as its timer
 * would have done. By the store's clock, under the row's lock, so it does not matter which of them came first after the service was away.
 *
 * @returns nothing in time; at once where there is no deadline
 */
export function tooLate(
  { bound, happening }: Delivery,
  row: FenceRow,
  transaction: Pick<StepTransaction, 'overdue'>,
): Promise<Taken | undefined> | undefined {
  const isSignal = happening.type === 'signaled' && isWaiting(bound, row);
  if (!isSignal && !isRepeated(happening, row)) return undefined;
  if (!mayGiveUp(bound, row) || isGate(bound, row)) return undefined;
  const { node, saga } = bound;
  const deadlines: readonly TimerKey[] = [
    ...(node.deadline === undefined ? [] : [{ sagaId: row.sagaId, step: row.step, kind: 'deadline' as const }]),
    ...(saga.deadline === undefined ? [] : [{ sagaId: row.sagaId, step: saga.source, kind: 'sagaDeadline' as const }]),
  ];
  if (deadlines.length === 0) return undefined;
  const refused: Taken = { ...givenUp(bound, row, deadlineExceeded), ...(isSignal && { verdict: 'refused' }) };
  return transaction.overdue(deadlines).then((ended) => (ended.length > 0 ? refused : undefined));
}

function isRepeated(happening: Delivery['happening'], row: FenceRow): boolean {
  return happening.type === 'attempt' && (happening.version ?? row.version) === row.version && row.dueIn !== undefined;
}
