import type { SagaGraph } from '../definition/saga-definition.js';
import { expanded } from '../protocol/expanded.js';
import type { TrackedSaga } from '../tracker/saga-tracker.js';

/** Whether the tracker has heard how each step of a saga that is over ended: its last event may come before the others. */
export function isWhole(sagas: readonly SagaGraph[], { saga, version, status, steps, branches }: TrackedSaga): boolean {
  const definition = sagas.find((known) => known.name === saga && known.version === version);
  if (!definition) return true;
  const isAborted = status === 'aborted';
  // A source that is refused names no branches: then there are none to hear of.
  const namesNone = isAborted && branches === undefined && definition.fanOuts.length > 0;
  const all = namesNone ? Object.keys(steps) : Object.keys(expanded(definition, branches).steps);
  return all.every((step) => Object.hasOwn(steps, step) && !(isAborted && steps[step] === 'done'));
}
