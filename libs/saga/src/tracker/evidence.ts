import type { SagaGraph } from '../definition/saga-definition.js';
import type { Envelope } from '../protocol/envelope.js';
import { foldSaga, type SagaState } from '../protocol/saga-state.js';

/** A saga as the set of its events tells it: a pure function of the set, so neither order nor duplicates change it. */
export interface Evidence extends SagaState {
  readonly saga: SagaGraph;
  readonly version: number;
  readonly correlationId: string;
  readonly startedAt: string;
}

/**
 * What the events of one saga id prove; at least one of them is of a known saga. `inconsistencies` has all that should be impossible: the
 * fold's findings, and one id that sagas of two definitions share.
 */
export function evidenceOf(sagas: readonly SagaGraph[], events: readonly Envelope[]): Evidence {
  const types = distinct(events.map(({ sagaType }) => sagaType));
  const saga = sagas.toSorted((a, b) => (a.name < b.name ? -1 : 1)).find(({ name }) => types.includes(name))!;
  const facts = events.filter(({ sagaType }) => sagaType === saga.name);
  const earliest = facts.reduce((a, b) => (Date.parse(b.time) < Date.parse(a.time) ? b : a));
  const state = foldSaga(saga, facts);
  return {
    ...state,
    inconsistencies: [
      ...state.inconsistencies.toSorted(),
      ...types.filter((type) => type !== saga.name).map((type) => `saga "${type}" has the same id`),
    ],
    saga,
    version: Math.min(...facts.map(({ sagaVersion }) => sagaVersion)),
    correlationId: distinct(facts.map(({ correlationId }) => correlationId))[0]!,
    startedAt: earliest.time,
  };
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].toSorted();
}
