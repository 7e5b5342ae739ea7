import { descendantsOf } from '../../libs/saga/src/definition/graph.js';
import type { SagaGraph, StepNode } from '../../libs/saga/src/definition/saga-definition.js';
import { isClosed } from '../../libs/saga/src/protocol/step-state.js';
import type { Core } from './core.js';
import { isLive, type Part } from './part.js';
import { Vocabulary, type EventSet } from './vocabulary.js';

/** All there is at one moment: every step with its surroundings, and everything that was ever published. */
export interface World {
  readonly parts: readonly Part[];
  readonly published: EventSet;
}

/** A definition made ready for questions about its worlds. Steps are numbers: their place in the definition. */
export class Scene {
  readonly steps: readonly StepNode[];
  readonly vocabulary: Vocabulary;
  readonly pivot: number;
  readonly retriable: readonly number[];
  readonly descendants: readonly (readonly number[])[];
  private readonly known = new Map<EventSet, Tracked>();

  constructor(
    readonly saga: SagaGraph,
    readonly core: Core,
  ) {
    this.steps = Object.values(saga.steps);
    this.vocabulary = new Vocabulary(saga, core);
    const place = (name: string): number => this.steps.findIndex((step) => step.name === name);
    this.pivot = place(saga.commitPoint);
    this.retriable = this.steps.flatMap((step, index) => (step.role === 'retriable' ? [index] : []));
    const after = Object.fromEntries(
      this.steps.map((step) => [step.name, { after: step.predecessors, emits: step.events.done }]),
    );
    this.descendants = this.steps.map((step) => [...descendantsOf(after, step.name)].map(place));
  }

  tracked(events: EventSet): Tracked {
    const tracked = this.known.get(events) ?? this.core.foldSaga(this.saga, this.vocabulary.factsOf(events));
    this.known.set(events, tracked);
    return tracked;
  }
}

/** What the tracker makes of a set of events. */
export type Tracked = ReturnType<Core['foldSaga']>;

/** What really became of the saga, whatever anybody believes. */
export type Truth = 'completed' | 'aborted' | 'undecided';

export function truthOf(world: World): Truth {
  if (world.parts.every((part) => part.row.status === 'done')) return 'completed';
  const undone = world.parts.every((part) => isClosed(part.row.status) && !isLive(part));
  return undone ? 'aborted' : 'undecided';
}
