import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { Cause } from '../protocol/envelope.js';
import type { Parent } from '../protocol/parent.js';
import type { Outcome } from '../protocol/outcome.js';
import type { RetryPolicy } from '../protocol/retry.js';
import type { Circuit } from '../ports/circuit.js';

/** Which of a service's steps are meant: its own, or its listeners (which have a consumer group of their own). */
export type Audience = 'steps' | 'listeners';

/** What a step's method is told beside its input. */
export interface StepContext {
  readonly sagaId: string;
  readonly step: string;
  /** The name of the branch, for a step with `each`; empty for any other. */
  readonly branch: string;
  readonly correlationId: string;
  /** The step of another saga that this saga is; absent for one that runs alone. */
  readonly parent?: Parent;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How often this was postponed with a `StepPostponed` until now, and since when; `times` is 0 the first time. No attempt is used up by it, so this is what ends it. */
  readonly postponed: { readonly times: number; readonly since?: Date };
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
  /** Asked what became of earlier attempts outside the database: an event of the step, or nothing when it did not happen and will not. */
  readonly resolve?: (input: unknown, context: StepContext) => Promise<unknown>;
  readonly retry: RetryPolicy;
  readonly undoRetry: RetryPolicy;
  readonly circuit?: Circuit;
  readonly undoCircuit?: Circuit;
  /** What the answers of its methods pass through and may be changed by: for a message. */
  readonly changers?: { readonly step: readonly string[]; readonly compensation: readonly string[] };
  /** The method has a transaction of its own, whatever of it can be seen. */
  readonly runsAlone?: boolean;
  readonly undoneAlone?: boolean;
  /** Set for a listener: a step outside the graph that hears this event and emits nothing. */
  readonly hears?: { readonly step: string; readonly outcome: Outcome };
}
