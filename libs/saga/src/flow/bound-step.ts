import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { Cause } from '../protocol/envelope.js';
import type { Outcome } from '../protocol/outcome.js';
import { reactionsTo } from '../protocol/reactions.js';
import type { RetryPolicy } from '../protocol/retry.js';

/** Which of a service's steps are meant: its own, or its listeners (which have a consumer group of their own). */
export type Audience = 'steps' | 'listeners';

/** What a step's method is told beside its input. */
export interface StepContext {
  readonly sagaId: string;
  readonly step: string;
  readonly correlationId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The same over all attempts; give it to whatever the step calls outside the database. */
  readonly idempotencyKey: string;
  /** The store's own client inside the step's transaction; absent for `effect: 'external'`, which has none. */
  readonly manager?: unknown;
}

/** What a compensation is told beside the event that it undoes. */
export interface CompensationContext extends StepContext {
  /** The step that began the closing, and its reason. */
  readonly cause: Cause;
}

/** A step as this service implements it. `run` and `compensate` answer with an event of the step, or with nothing where the library makes it. */
export interface BoundStep {
  readonly saga: SagaGraph;
  readonly node: StepNode;
  readonly run: (input: unknown, context: StepContext) => Promise<unknown>;
  readonly compensate?: (done: object, context: CompensationContext) => Promise<unknown>;
  readonly retry: RetryPolicy;
  readonly undoRetry: RetryPolicy;
  /** Set for a listener: a step outside the graph that hears this event and emits nothing. */
  readonly hears?: { readonly step: string; readonly outcome: Outcome };
}

/** The steps of this service, by saga; what it can start, run and undo. */
export class BoundSteps {
  private readonly byKey = new Map<string, BoundStep>();
  private readonly listenersByEvent = new Map<string, BoundStep[]>();
  readonly sagas = new Map<string, SagaGraph>();

  constructor(steps: readonly BoundStep[]) {
    for (const step of steps) {
      this.sagas.set(step.saga.name, step.saga);
      this.byKey.set(`${step.saga.name}/${step.node.name}`, step);
      if (step.hears) this.listen(step, `${step.saga.name}/${step.hears.step}/${step.hears.outcome}`);
    }
  }

  find(saga: string, step: string): BoundStep | undefined {
    return this.byKey.get(`${saga}/${step}`);
  }

  listeners(saga: string, step: string, outcome: Outcome): readonly BoundStep[] {
    return this.listenersByEvent.get(`${saga}/${step}/${outcome}`) ?? [];
  }

  /** Whether an event means anything to a step or a listener of this service. */
  areConcerned(
    audience: Audience,
    saga: SagaGraph,
    event: { readonly step: string; readonly outcome: Outcome },
  ): boolean {
    if (audience === 'listeners') return this.listeners(saga.name, event.step, event.outcome).length > 0;
    return reactionsTo(saga, event).some(({ step }) => this.find(saga.name, step) !== undefined);
  }

  all(): readonly BoundStep[] {
    return [...this.byKey.values()];
  }

  private listen(step: BoundStep, event: string): void {
    this.listenersByEvent.set(event, [...(this.listenersByEvent.get(event) ?? []), step]);
  }
}
