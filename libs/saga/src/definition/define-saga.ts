import { InvalidSagaDefinition, shapelessViolations, violationsOf } from './checks.js';
import { defaultEvent, emptyEvent } from './default-events.js';
import { given } from './given.js';
import { ancestorsOf, commitPointsOf, predecessorsOf, sinksOf, sourcesOf, successorsOf, type Specs } from './graph.js';
import type { SagaDefinition, SagaGraph, StepEvents, StepNode, StepRole } from './saga-definition.js';
import { timeViolations } from './time-checks.js';
import { childViolations, nestedViolations, withCommitStep } from './nested.js';
import type { StepSpec, StepSpecs } from './step-spec.js';

export interface SagaOptions {
  /** A whole number from 1, raised when the graph or an event changes incompatibly; travels with every event. Default 1. */
  readonly version?: number;
  /** A field of the source's event whose value keys all the saga's records (`taskId`); default: the saga id. */
  readonly partitionBy?: string;
  /** How many milliseconds the saga has from its start until its pivot is done; then an abort is requested. */
  readonly deadline?: number;
  /** `alone` (default), or `withParent`: as a step of another saga, it can be undone as a whole until that one's pivot is done. */
  readonly commits?: 'alone' | 'withParent';
}

/**
 * Declares a business process as a graph of steps.
 *
 * @throws InvalidSagaDefinition listing every violation and how to mend each
 */
export function defineSaga<const S extends StepSpecs<S>>(
  name: string,
  steps: S,
  options: SagaOptions = {},
): SagaDefinition<S> {
  const { specs: own, version, partitionBy, deadline, commits, ...read } = given(name, steps, options);
  const isShaped = read.shapeless.length === 0;
  const specs = commits === 'withParent' && isShaped ? withCommitStep(read.name, own) : own;
  const violations = [
    ...(isShaped ? violationsOf(read.name, specs) : shapelessViolations(read, specs)),
    ...read.violations,
    ...(isShaped ? timeViolations(specs, deadline) : []),
    ...(isShaped && commits === 'withParent' ? childViolations(own) : []),
    ...(isShaped ? nestedViolations(own, (saga) => definitions.has(saga)) : []),
  ];
  if (violations.length > 0) throw new InvalidSagaDefinition(read.name, violations);
  const commitPoint = commitPointsOf(specs)[0]!;
  const graph: SagaGraph = {
    name,
    version,
    source: sourcesOf(specs)[0]!,
    commitPoint,
    sinks: sinksOf(specs),
    commits,
    fanOuts: Object.keys(specs).filter((step) => specs[step]!.each !== undefined),
    ...(deadline !== undefined && { deadline }),
    ...(partitionBy !== undefined && { partitionBy }),
    steps: resolvedSteps(name, version, specs, commitPoint),
  };
  for (const step of Object.values(graph.steps)) graphs.set(step, graph);
  definitions.add(graph);
  sagas.add(graph);
  return Object.freeze(graph) as unknown as SagaDefinition<S>;
}

const sagas = new WeakSet<object>();

/** Whether something is a definition that `defineSaga` has made. */
export function isSaga(candidate: unknown): candidate is SagaGraph {
  return typeof candidate === 'object' && candidate !== null && sagas.has(candidate);
}

const graphs = new WeakMap<StepNode, SagaGraph>();
const definitions = new WeakSet<SagaGraph>();

/** The saga that a step belongs to; nothing for what is no step of a checked definition. */
export function sagaOf(step: StepNode): SagaGraph | undefined {
  return graphs.get(step);
}

/** Without a prototype: names that arrive from outside find steps only. */
function resolvedSteps(saga: string, version: number, specs: Specs, commitPoint: string): Record<string, StepNode> {
  const before = ancestorsOf(specs, commitPoint);
  const nodes = Object.create(null) as Record<string, StepNode>;
  for (const [name, spec] of Object.entries(specs)) {
    const role = name === commitPoint ? 'pivot' : before.has(name) ? 'compensatable' : 'retriable';
    nodes[name] = Object.freeze(resolved(saga, version, name, spec, role, successorsOf(specs, name)));
  }
  return Object.freeze(nodes);
}

function resolved(
  saga: string,
  version: number,
  name: string,
  spec: StepSpec,
  role: StepRole,
  successors: readonly string[],
): StepNode {
  return {
    saga,
    version,
    name,
    role,
    kind: spec.kind ?? role,
    undo: spec.undo ?? 'direct',
    external: spec.effect === 'external',
    onDeadLetter: spec.onDeadLetter ?? 'halt',
    predecessors: predecessorsOf(spec),
    successors,
    ...(spec.when && { when: spec.when }),
    ...(spec.deadline !== undefined && { deadline: spec.deadline }),
    ...(spec.expires !== undefined && { expires: spec.expires }),
    ...(spec.awaits && { awaits: spec.awaits }),
    ...(spec.each && { each: spec.each }),
    ...(spec.on && { on: spec.on }),
    ...(spec.input && { input: spec.input }),
    ...(spec.saga && { nested: { saga: spec.saga, ...(spec.result && { result: spec.result }) } }),
    events: eventsOf(saga, name, spec),
  };
}

function eventsOf(saga: string, name: string, spec: StepSpec): StepEvents {
  const defaults = {
    rejected: defaultEvent(saga, name, 'rejected'),
    compensated: defaultEvent(saga, name, 'compensated'),
  };
  return {
    done: spec.emits,
    rejected: spec.rejected ?? defaults.rejected,
    compensated: spec.compensated ?? defaults.compensated,
    cancelled: spec.cancelled ?? defaultEvent(saga, name, 'cancelled'),
    ...(spec.when && { skipped: emptyEvent(saga, name, 'skipped') }),
    defaults,
  };
}
