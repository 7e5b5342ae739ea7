import type { SagaGraph, StepNode } from '../../libs/saga/src/definition/saga-definition.js';
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

/** What a step can publish, by its place and its definition. */
function outcomesOf({ role, when }: StepNode): readonly Outcome[] {
  return [
    'done',
    ...(when ? (['skipped'] as const) : []),
    'rejected',
    'cancelled',
    ...(role === 'compensatable' ? (['compensated', 'deadLettered'] as const) : []),
  ];
}

/** Every event that a saga can have, numbered, and who reads it, as the real `reactionsTo` says. At most 30 events of steps fit. */
export class Vocabulary {
  readonly facts: readonly SagaFact[];
  readonly abort: EventSet;
  readonly subscriptions: Readonly<Record<string, readonly Subscription[]>>;

  constructor(saga: SagaGraph, core: Core) {
    const steps = Object.keys(saga.steps);
    const ofSteps = Object.values(saga.steps).flatMap((step) =>
      outcomesOf(step).map((outcome): SagaFact => ({ step: step.name, outcome })),
    );
    if (ofSteps.length > 30)
      throw new RangeError(`Saga "${saga.name}" has ${ofSteps.length} events; the model has bits for 30.`);
    this.facts = [...ofSteps, { step: saga.source, outcome: 'abortRequested' }];
    this.abort = 1 << ofSteps.length;
    const reactions = this.facts.flatMap((fact, index) =>
      core.reactionsTo(saga, fact).map(({ step, signal }) => ({ step, bit: 1 << index, text: textOf(fact), signal })),
    );
    this.subscriptions = Object.fromEntries(steps.map((name) => [name, reactions.filter(({ step }) => step === name)]));
  }

  /** Empty for an event that the step cannot have. */
  bit(step: string, outcome: Outcome): EventSet {
    if (outcome === 'abortRequested') return this.abort;
    const index = this.facts.findIndex((fact) => fact.step === step && fact.outcome === outcome);
    return index < 0 ? 0 : 1 << index;
  }

  /** @throws RangeError for an event that the step cannot have */
  published(step: string, outcome: Outcome): EventSet {
    const bit = this.bit(step, outcome);
    if (bit === 0) throw new RangeError(`Step "${step}" says ${outcome}, which the model takes for impossible.`);
    return bit;
  }

  factsOf(events: EventSet): readonly SagaFact[] {
    return this.facts.filter((_fact, index) => (events & (1 << index)) !== 0);
  }
}

export function textOf({ step, outcome }: SagaFact): string {
  return outcome === 'abortRequested' ? 'abort requested' : `${step} ${outcome}`;
}
