import type { SagaGraph } from '../../libs/saga/src/definition/saga-definition.js';
import type { Outcome } from '../../libs/saga/src/protocol/outcome.js';
import type { SagaFact } from '../../libs/saga/src/protocol/saga-state.js';
import type { Signal } from '../../libs/saga/src/protocol/step-state.js';
import type { Core } from './core.js';

/** A set of events, one bit each: the network, or what a step has read of it. */
export type EventSet = number;

/** What one step makes of one event. */
export interface Subscription {
  readonly bit: EventSet;
  readonly text: string;
  readonly signal: Signal;
}

const outcomesOfSteps = ['done', 'rejected', 'cancelled', 'compensated', 'deadLettered'] as const;

/** Every event that a saga can have, numbered, and who reads it, as the real `reactionsTo` says. At most six steps fit. */
export class Vocabulary {
  readonly facts: readonly SagaFact[];
  readonly abort: EventSet;
  readonly subscriptions: Readonly<Record<string, readonly Subscription[]>>;

  constructor(saga: SagaGraph, core: Core) {
    const steps = Object.keys(saga.steps);
    if (steps.length > 6)
      throw new RangeError(`Saga "${saga.name}" has ${steps.length} steps; the model has bits for 6.`);
    const ofSteps = steps.flatMap((step) => outcomesOfSteps.map((outcome): SagaFact => ({ step, outcome })));
    this.facts = [...ofSteps, { step: saga.source, outcome: 'abortRequested' }];
    this.abort = 1 << ofSteps.length;
    const reactions = this.facts.flatMap((fact, index) =>
      core.reactionsTo(saga, fact).map(({ step, signal }) => ({ step, bit: 1 << index, text: textOf(fact), signal })),
    );
    this.subscriptions = Object.fromEntries(steps.map((name) => [name, reactions.filter(({ step }) => step === name)]));
  }

  bit(step: string, outcome: Outcome): EventSet {
    if (outcome === 'abortRequested') return this.abort;
    return 1 << this.facts.findIndex((fact) => fact.step === step && fact.outcome === outcome);
  }

  factsOf(events: EventSet): readonly SagaFact[] {
    return this.facts.filter((_fact, index) => (events & (1 << index)) !== 0);
  }
}

export function textOf({ step, outcome }: SagaFact): string {
  return outcome === 'abortRequested' ? 'abort requested' : `${step} ${outcome}`;
}
