import type { EventClass } from '../definition/domain-event.js';
import { fingerprintOf, isComparable } from '../definition/fingerprint.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import type { Outcome } from '../protocol/outcome.js';
import { reactionsTo } from '../protocol/reactions.js';
import type { FenceRow } from '../ports/fence-row.js';
import { expanded } from '../protocol/expanded.js';
import type { Audience, BoundStep } from './bound-step.js';
import { branchAt, placed } from './branch-steps.js';
import { isSettled, type Retention } from './retention/retention.js';
import { runUntilCommit } from './time/timers-of.js';

/** One version of a saga: a service may have several of them bound, and a saga ends on the one that it began with. */
export type SagaVersion = Pick<SagaGraph, 'name' | 'version'>;

/** A saga that an outside event starts in this service. */
export interface OutsideSource {
  readonly saga: SagaGraph;
  readonly on: EventClass;
}

/** The steps of this service, by saga and version; what it can start, run and undo. */
export class BoundSteps {
  private readonly byKey = new Map<string, BoundStep>();
  private readonly listenersByEvent = new Map<string, BoundStep[]>();
  private readonly untilCommit = new Map<string, BoundStep[]>();
  private readonly byVersion = new Map<string, SagaGraph>();
  private readonly names = { steps: new Set<string>(), listeners: new Set<string>() };
  /** Of several versions that one event starts, the newest. */
  readonly outsideSources: readonly OutsideSource[];

  /**
   * @param known definitions that the service knows beside those of its steps: a version that it has no part in any more is no unknown version
   * @param retention where the service purges, all its steps before the pivot hear of the commit
   * @param accepted fingerprints of graphs that are taken for the one that is known of their version
   */
  constructor(
    steps: readonly BoundStep[],
    known: readonly SagaGraph[] = [],
    retention?: Retention,
    private readonly accepted: readonly string[] = [],
  ) {
    for (const step of steps) {
      this.byVersion.set(nameOf(step.saga), step.saga);
      this.names[step.hears ? 'listeners' : 'steps'].add(step.saga.name);
      this.byKey.set(`${nameOf(step.saga)}/${step.node.name}`, step);
      if (runUntilCommit(step).length > 0 || step.node.nested || (retention && !isSettled(step, { status: 'done' })))
        this.untilCommit.set(nameOf(step.saga), [...(this.untilCommit.get(nameOf(step.saga)) ?? []), step]);
      if (step.hears) this.listen(step, `${nameOf(step.saga)}/${step.hears.step}/${step.hears.outcome}`);
    }
    for (const saga of known) {
      const takesPart = this.takesPart('steps', saga.name) || this.takesPart('listeners', saga.name);
      if (takesPart) this.byVersion.set(nameOf(saga), saga);
    }
    this.outsideSources = newest(this.sagas.flatMap((saga) => this.outsideSource(saga) ?? []));
  }

  /** Every version of every saga that this service has a step or a listener of, or was told of. */
  get sagas(): readonly SagaGraph[] {
    return [...this.byVersion.values()];
  }

  /** @param version as a number or as its digits */
  saga(name: string, version: number | string): SagaGraph | undefined {
    return this.byVersion.get(`${name}@${version}`);
  }

  /** The steps and listeners of a version of a saga that this service has, each for its audience. */
  namesIn(saga: SagaGraph): readonly string[] {
    return this.all().flatMap(({ saga: { name, version }, node }) =>
      name === saga.name && version === saga.version ? [node.name] : [],
    );
  }

  /** The fingerprints of the graphs by which a saga of this name and version may be moved here. */
  graphsOf(saga: SagaGraph): readonly string[] {
    return [fingerprintOf(saga), ...this.accepted];
  }

  /** Why a saga cannot be moved here: it has another graph than the one that is known of its version. Nothing when it has not, or nobody can tell. */
  otherGraph(name: string, version: number | string, graph: string | undefined): { readonly why: string } | undefined {
    const saga = graph === undefined ? undefined : this.saga(name, version);
    if (!saga || graph === fingerprintOf(saga) || !isComparable(graph!) || this.accepted.includes(graph!))
      return undefined;
    return {
      why: `graph ${graph} of saga "${name}" version ${version} is unknown here, this service has ${fingerprintOf(saga)}`,
    };
  }

  /** Whether this service has a step or a listener in some version of a saga. */
  takesPart(audience: Audience, name: string): boolean {
    return this.names[audience].has(name);
  }

  find(saga: SagaVersion, step: string): BoundStep | undefined {
    return this.byKey.get(`${nameOf(saga)}/${step}`);
  }

  /** A step in the graph of one saga: a step of the definition, or a branch of one, with its neighbors there. */
  in(graph: SagaGraph, step: string): BoundStep | undefined {
    const node = graph.steps[step];
    const bound = node && this.find(graph, node.branchOf?.step ?? step);
    return bound && graph.template ? placed(bound, graph, node) : bound;
  }

  /** The step or listener of a row, of the version that its saga began with. */
  ofRow({ headers, step }: Pick<FenceRow, 'headers' | 'step'>): BoundStep | undefined {
    const saga = this.saga(headers.sagaType, headers.sagaVersion);
    if (!saga || saga.fanOuts.length === 0)
      return this.find({ name: headers.sagaType, version: headers.sagaVersion }, step);
    const graph = expanded(saga, headers.branches);
    return this.in(graph, step) ?? this.branchIn(graph, step);
  }

  /** A listener hears every branch of a fan-out, and has a row for each. */
  listeners(saga: SagaGraph, step: string, outcome: Outcome): readonly BoundStep[] {
    const branchOf = saga.steps[step]?.branchOf;
    const found = this.listenersByEvent.get(`${nameOf(saga)}/${branchOf?.step ?? step}/${outcome}`) ?? [];
    return branchOf ? found.flatMap((listener) => branchAt(listener, saga, branchOf.branch) ?? []) : found;
  }

  /** Whether an event means anything to a step or a listener of this service. */
  areConcerned(
    audience: Audience,
    saga: SagaGraph,
    event: { readonly step: string; readonly outcome: Outcome },
  ): boolean {
    if (audience === 'listeners') return this.listeners(saga, event.step, event.outcome).length > 0;
    if (reactionsTo(saga, event).some(({ step }) => this.in(saga, step) !== undefined)) return true;
    return this.concernedByCommit(saga, event).length > 0 || this.concernedByDeadLetter(saga, event) !== undefined;
  }

  /** The steps for which something ends when their saga commits, if the event says that it does. */
  concernedByCommit(
    saga: SagaGraph,
    event: { readonly step: string; readonly outcome: Outcome },
  ): readonly BoundStep[] {
    if (event.outcome !== 'done' || event.step !== saga.commitPoint) return [];
    const found = this.untilCommit.get(nameOf(saga)) ?? [];
    return saga.template ? found.flatMap((bound) => this.everywhere(saga, bound)) : found;
  }

  /** The commit step of a saga that may be a step of another: a dead letter in it for which it waits is one of the other, too. */
  concernedByDeadLetter(
    saga: SagaGraph,
    event: { readonly step: string; readonly outcome: Outcome },
  ): BoundStep | undefined {
    if (event.outcome !== 'deadLettered' || saga.commits !== 'withParent') return undefined;
    if (saga.steps[event.step]?.onDeadLetter === 'continue') return undefined;
    return this.find(saga, saga.commitPoint);
  }

  all(): readonly BoundStep[] {
    return [...this.byKey.values()];
  }

  /** A step, or each of its branches. */
  private everywhere(graph: SagaGraph, { node }: BoundStep): readonly BoundStep[] {
    const own = Object.values(graph.steps).filter(({ name, branchOf }) => (branchOf?.step ?? name) === node.name);
    return own.flatMap(({ name }) => this.in(graph, name) ?? []);
  }

  /** By its name alone: a listener of a branch, or a branch where nobody said (yet) which there are. */
  private branchIn(graph: SagaGraph, name: string): BoundStep | undefined {
    const [, step, branch] = /^(.*)\[([^\]]*)\]$/.exec(name) ?? [];
    if (step === undefined || branch === undefined) return this.find(graph, name);
    const found = this.find(graph, step);
    return found && branchAt(found, graph, branch);
  }

  private listen(step: BoundStep, event: string): void {
    this.listenersByEvent.set(event, [...(this.listenersByEvent.get(event) ?? []), step]);
  }

  private outsideSource(saga: SagaGraph): OutsideSource | undefined {
    const { on } = saga.steps[saga.source]!;
    return on && this.find(saga, saga.source) ? { saga, on } : undefined;
  }
}

/** No name of a saga has an "@". */
function nameOf({ name, version }: SagaVersion): string {
  return `${name}@${version}`;
}

function newest(sources: readonly OutsideSource[]): readonly OutsideSource[] {
  return sources.filter(
    ({ saga, on }) =>
      !sources.some(
        (other) => other.saga.name === saga.name && other.on.type === on.type && other.saga.version > saga.version,
      ),
  );
}
