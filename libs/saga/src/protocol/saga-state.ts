import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import { isClosing, type Outcome } from './outcome.js';

/** Where a saga stands. `completed` and `aborted` are terminal. */
export type SagaStatus = 'unknown' | 'running' | 'compensating' | 'needsIntervention' | 'completed' | 'aborted';

/** One fact about a saga; a set of them is all that the fold knows. */
export interface SagaFact {
  readonly step: string;
  readonly outcome: Outcome;
  /** An operator accepted that the step's effect stays. */
  readonly waivedBy?: string;
}

export interface SagaState {
  readonly status: SagaStatus;
  /** Each step of which something is known, with the furthest that is known. */
  readonly steps: Readonly<Record<string, Outcome>>;
  /** Evidence that the protocol was violated, in words; empty for a sound saga. */
  readonly inconsistencies: readonly string[];
  /**
   * Steps whose undo is owed: a dead letter of theirs waits for a person. A saga may be aborted all the same, where its definition lets the undo
   * go on. And steps whose effect stays for good, because an operator waived its undo.
   */
  readonly debts: readonly string[];
}

/**
 * The tracker's fold: a pure function of the **set** of events seen for one saga, so arrival order and duplicates cannot change it.
 * The first rule that holds decides the status.
 */
export function foldSaga(saga: SagaGraph, given: Iterable<SagaFact>): SagaState {
  const facts = [...given];
  const seen = outcomesByStep(facts);
  const knows = (step: string, outcome: Outcome): boolean => seen.get(step)?.has(outcome) ?? false;
  const nodes = Object.values(saga.steps);
  const closed = (step: string): boolean => [...(seen.get(step) ?? [])].some(isClosing);
  const done = (step: string): boolean => knows(step, 'done') || knows(step, 'skipped') || knows(step, 'compensated');
  const waived = new Set(facts.flatMap(({ step, waivedBy }) => (waivedBy === undefined ? [] : [step])));
  const owed = nodes.filter(({ name }) => knows(name, 'deadLettered') && !knows(name, 'compensated'));
  return {
    status: statusOf(),
    steps: Object.fromEntries(nodes.flatMap((node) => furthest(node.name, seen.get(node.name)))),
    inconsistencies: inconsistenciesOf(saga, nodes, seen),
    debts: nodes.filter((node) => owed.includes(node) || waived.has(node.name)).map(({ name }) => name),
  };

  function statusOf(): SagaStatus {
    const steps = nodes.map((node) => node.name);
    if (closed(saga.source)) return 'aborted';
    if (owed.some(({ onDeadLetter }) => onDeadLetter === 'halt')) return 'needsIntervention';
    if (owed.length > 0 || steps.some(closed)) return 'compensating';
    if (saga.sinks.every(done)) return 'completed';
    return steps.some(done) ? 'running' : 'unknown';
  }
}

/**
 * The steps of a running saga that wait for a signal, as far as its events tell: all before them is done, and nothing is heard of them. A first step
 * that waits is unknown until it is decided.
 */
export function waitingSteps(
  saga: SagaGraph,
  { status, steps }: Pick<SagaState, 'status' | 'steps'>,
): readonly string[] {
  if (status !== 'running') return [];
  return Object.values(saga.steps).flatMap(({ name, awaits, predecessors }) => {
    const begun = predecessors.every((step) => steps[step] === 'done' || steps[step] === 'skipped');
    return awaits !== undefined && begun && steps[name] === undefined ? [name] : [];
  });
}

export function isTerminal(status: SagaStatus): boolean {
  return status === 'completed' || status === 'aborted';
}

type Seen = ReadonlyMap<string, ReadonlySet<Outcome>>;

function outcomesByStep(facts: Iterable<SagaFact>): Seen {
  const seen = new Map<string, Set<Outcome>>();
  for (const { step, outcome } of facts) {
    const known = seen.get(step) ?? new Set<Outcome>();
    seen.set(step, known.add(outcome));
  }
  return seen;
}

/** A step that was skipped has nothing to undo, and is shown as skipped also when the saga closed. */
const furthestFirst: readonly Outcome[] = ['skipped', 'compensated', 'deadLettered', 'rejected', 'cancelled', 'done'];

function furthest(step: string, known: ReadonlySet<Outcome> | undefined): readonly (readonly [string, Outcome])[] {
  const outcome = furthestFirst.find((candidate) => known?.has(candidate));
  return outcome === undefined ? [] : [[step, outcome]];
}

function inconsistenciesOf(saga: SagaGraph, nodes: readonly StepNode[], seen: Seen): readonly string[] {
  const found: string[] = [];
  for (const [step, known] of seen) {
    if (!(step in saga.steps) && !known.has('abortRequested'))
      found.push(`"${step}" is no step of saga "${saga.name}"`);
    const exclusive = (['done', 'skipped', 'rejected', 'cancelled'] as const).filter((outcome) => known.has(outcome));
    if (exclusive.length > 1) found.push(`step "${step}" is both ${exclusive.join(' and ')}`);
    if (known.has('compensated') && (known.has('rejected') || known.has('cancelled'))) {
      found.push(`step "${step}" was undone although it never had an effect`);
    }
  }
  if (!seen.get(saga.commitPoint)?.has('done')) return found;
  for (const node of nodes) {
    if ([...(seen.get(node.name) ?? [])].some(isClosing)) {
      found.push(`step "${node.name}" closed although the pivot "${saga.commitPoint}" is done`);
    }
  }
  return found;
}
