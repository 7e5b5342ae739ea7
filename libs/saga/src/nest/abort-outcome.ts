import type { SagaGraph } from '../definition/saga-definition.js';
import type { TrackedSaga } from '../tracker/saga-tracker.js';

/** What a request to abort comes to: `closing`, the saga closes backwards and never commits; `committed`, the pivot was first, for good. */
export type AbortOutcome = 'closing' | 'committed';

/** Nothing while neither is decided. Each of the two, once seen, stays. */
export function abortOutcomeOf(
  sagas: readonly SagaGraph[],
  tracked: TrackedSaga | undefined,
): AbortOutcome | undefined {
  const saga = sagas.find(({ name, version }) => name === tracked?.saga && version === tracked.version);
  if (!tracked || !saga) return undefined;
  if (tracked.steps[saga.commitPoint] === 'done') return 'committed';
  const { status } = tracked;
  if (status === 'completed') return 'committed';
  return status === 'compensating' || status === 'needsIntervention' || status === 'aborted' ? 'closing' : undefined;
}
