import type { SagaGraph } from '../definition/saga-definition.js';
import { expanded } from '../protocol/expanded.js';
import type { TrackedSaga } from '../tracker/saga-tracker.js';

/** Whether the tracker has heard how each step of a saga that is over ended: its last event may come before the others. */
export function isWhole(sagas: readonly SagaGraph[], { saga, version, status, steps, branches }: TrackedSaga): boolean {
  const definition = sagas.find((known) => known.name === saga && known.version === version);
  if (!definition) return true;
  if (status === 'aborted') return Object.values(steps).every((outcome) => outcome !== 'done');
  return Object.keys(expanded(definition, branches).steps).every((step) => Object.hasOwn(steps, step));
}
