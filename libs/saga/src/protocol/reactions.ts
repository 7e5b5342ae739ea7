import type { SagaGraph } from '../definition/saga-definition.js';
import { isClosing, type Outcome } from './outcome.js';
import type { Signal } from './step-state.js';

export interface Reaction {
  readonly step: string;
  readonly signal: Signal;
}

/**
 * Which steps an event concerns, and as what: derived from the graph, so nobody writes subscriptions and nobody sends commands.
 * `done` and `skipped` go forward; `rejected` and `cancelled` go both ways; `compensated` goes back,
 * and so does the dead letter of a step after which the undo is to go on; a request to abort goes to all.
 */
export function reactionsTo(
  saga: SagaGraph,
  event: { readonly step: string; readonly outcome: Outcome },
): readonly Reaction[] {
  if (event.outcome === 'abortRequested') {
    return Object.keys(saga.steps).map((step) => ({ step, signal: { type: 'abortRequested' } }));
  }
  const from = saga.steps[event.step];
  if (from === undefined) return [];
  const isPassed = event.outcome === 'done' || event.outcome === 'skipped';
  const forward = isPassed ? 'predecessorDone' : 'predecessorClosed';
  const reactions: Reaction[] = [];
  if (isPassed || event.outcome === 'rejected' || event.outcome === 'cancelled') {
    reactions.push(...from.successors.map((step): Reaction => ({ step, signal: { type: forward, step: from.name } })));
  }
  if (isClosing(event.outcome) || (event.outcome === 'deadLettered' && from.onDeadLetter === 'continue')) {
    reactions.push(
      ...from.predecessors.map((step): Reaction => ({ step, signal: { type: 'successorClosed', step: from.name } })),
    );
  }
  return reactions;
}
