import { fingerprintOf, isComparable } from '../definition/fingerprint.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import type { Envelope } from '../protocol/envelope.js';
import { expanded } from '../protocol/expanded.js';
import { contradictions } from './contradictions.js';
import { foldSaga, type SagaState } from '../protocol/saga-state.js';

/** A saga as the set of its events tells it: a pure function of the set, so neither order nor duplicates change it. */
export interface Evidence extends SagaState {
  readonly saga: SagaGraph;
  readonly version: number;
  readonly correlationId: string;
  readonly startedAt: string;
}

/**
 * What the events of one saga id prove; nothing when none of them is of a definition that is known here. `inconsistencies` has all that
 * should be impossible: the fold's findings, and one id that sagas of two definitions, or of two versions, share.
 */
export function evidenceOf(
  sagas: readonly SagaGraph[],
  events: readonly Envelope[],
  accepted: readonly string[] = [],
): Evidence | undefined {
  const types = distinct(events.map(({ sagaType }) => sagaType));
  const saga = sagas
    .toSorted((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1))
    .find((candidate) => events.some((event) => isOf(candidate, event)));
  if (!saga) return undefined;
  const facts = events.filter((event) => isOf(saga, event));
  const versions = distinct(events.filter(({ sagaType }) => sagaType === saga.name).map((event) => String(event.sagaVersion))); // prettier-ignore
  const earliest = facts.reduce((a, b) => (Date.parse(b.time) < Date.parse(a.time) ? b : a));
  const named = distinct(facts.flatMap(({ branches }) => (branches ? [JSON.stringify(branches)] : [])));
  const state = foldSaga(graphIn(saga, facts), facts);
  return {
    ...state,
    inconsistencies: [
      ...state.inconsistencies.toSorted(),
      ...(named.length > 1 ? [`its events name different branches: ${named.join(' and ')}`] : []),
      ...contradictions(facts),
      ...graphContradictions(saga, facts, accepted),
      ...types.filter((type) => type !== saga.name).map((type) => `saga "${type}" has the same id`),
      ...versions
        .filter((version) => version !== String(saga.version))
        .map((version) => `it has events of version ${version} as well`),
    ],
    saga,
    version: saga.version,
    correlationId: distinct(facts.map(({ correlationId }) => correlationId))[0]!,
    startedAt: earliest.time,
  };
}

/** Participants that go by different graphs do its steps out of each other's order, so nothing is sure of it. */
function graphContradictions(
  saga: SagaGraph,
  facts: readonly Envelope[],
  accepted: readonly string[],
): readonly string[] {
  const graphs = distinct(facts.flatMap(({ graph }) => (graph !== undefined && isComparable(graph) ? [graph] : [])));
  if (graphs.length > 1)
    return [`its events are of different graphs of version ${saga.version}: ${graphs.join(' and ')}`];
  const [graph] = graphs;
  const own = fingerprintOf(saga);
  if (graph === undefined || graph === own || accepted.includes(graph)) return [];
  return [`its events are of graph ${graph} of version ${saga.version}, the tracker has ${own}`];
}

/** The graph of a saga, with the branches that its events name. */
export function graphIn(saga: SagaGraph, events: readonly Pick<Envelope, 'branches'>[]): SagaGraph {
  return expanded(saga, events.find(({ branches }) => branches)?.branches);
}

/** Whether a definition is the one that an event's saga began with. */
function isOf({ name, version }: SagaGraph, event: Pick<Envelope, 'sagaType' | 'sagaVersion'>): boolean {
  return event.sagaType === name && event.sagaVersion === version;
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].toSorted();
}
