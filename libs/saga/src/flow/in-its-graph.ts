import type { FenceRow } from '../ports/fence-row.js';
import type { Delivery } from './delivery.js';
import type { Participant } from './participant.js';

/** A delivery to a step in the graph of its saga: whoever delivers may not know the branches of the saga; its rows do. */
export function inItsGraph(
  { steps }: Pick<Participant, 'steps'>,
  delivery: Delivery,
  { headers, step }: FenceRow,
): Delivery {
  const { saga } = delivery.bound;
  if (saga.fanOuts.length === 0 || !headers.branches) return delivery;
  return { ...delivery, bound: steps.ofRow({ headers, step }) ?? delivery.bound };
}
