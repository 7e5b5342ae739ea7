import type { EventClass } from '../definition/domain-event.js';
import type { CompensatableStep, Step } from '../definition/saga-definition.js';
import type { RetryPolicy } from '../protocol/retry.js';
import type { CircuitSetting } from './circuit-breakers.js';
import { addHandler } from './handler-metadata.js';
import type { CompensationContext, ListenerContext, StepContext } from './step-context.js';

type Answer<E> = Promise<E> | E;
type Method<M> = (target: object, property: string | symbol, descriptor: TypedPropertyDescriptor<M>) => void;

export interface HandlerOptions {
  /** What differs from the module's retry policy; times in ms. */
  readonly retry?: Partial<RetryPolicy>;
  /** What differs from the module's circuit breaker, or `off`. */
  readonly circuit?: CircuitSetting;
  /**
   * `own`: the method has a transaction of its own, shared with no other saga's step. Needed where a function or a trigger changes the transaction beyond its
   * rows (a setting, a role, a temporary table, an advisory lock); what the method itself says in SQL is noticed. Default: the module's.
   */
  readonly transaction?: TransactionSetting;
}

/** Whether a method may share its transaction with steps of other sagas. */
export type TransactionSetting = 'own' | 'shared';

export interface ListenerOptions extends Pick<HandlerOptions, 'retry' | 'transaction'> {
  /**
   * The listener's name in its rows, by which it knows what it has heard: up to 100 letters, digits, ".", "_" or "-". Default: `Class.method`, so
   * give it one before the class is renamed or minified.
   */
  readonly name?: string;
}

/**
 * The method that does a step. It is given the event of the step's predecessor (`{ [step]: event }` after a join, the start input for a source) and
 * returns the step's event: done; or its rejected event: a business no. Instead of returning the event it may publish it on the event bus.
 * What it throws is technical trouble: everything is rolled back and the step is attempted again. `StepRejected` and `OutcomeUnknown` say otherwise.
 */
export function SagaStep<Input, Done, Rejected>(step: Step<Input, Done, Rejected>, options: HandlerOptions = {}) {
  return function <M extends (input: Input, saga: StepContext) => Answer<Done | Rejected | void>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void {
    addHandler(target, { kind: 'step', step, property, options }, descriptor);
  } satisfies Method<never>;
}

/**
 * The method that undoes a step. It is given the event that the step emitted when it was done, and returns the step's compensated event,
 * or nothing where the definition names none. It may be run again after a failure.
 */
export function Compensates<Input, Done, Rejected, Compensated>(
  step: CompensatableStep<Input, Done, Rejected, Compensated>,
  options: HandlerOptions = {},
) {
  return function <M extends (done: Done, saga: CompensationContext) => Answer<Compensated | void>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void {
    addHandler(target, { kind: 'compensation', step, property, options }, descriptor);
  } satisfies Method<never>;
}

/**
 * The method that is asked what became of a step that works outside the database (`effect: 'external'`) when nobody knows: it could not tell, or its
 * process died. It is given what the step was given, with the same idempotency key, and returns the step's event when it happened, its rejected event when
 * it was refused (`StepRejected` says so too), or nothing when it did not happen **and will not any more**: then the step is attempted again, with the
 * same key. Anything else that it throws means that it is not known yet: it is asked again, later and later.
 */
export function Resolves<Input, Done, Rejected>(step: Step<Input, Done, Rejected>) {
  return function <M extends (input: Input, saga: StepContext) => Answer<Done | Rejected | undefined | void>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void {
    addHandler(target, { kind: 'resolution', step, property, options: {} }, descriptor);
  } satisfies Method<never>;
}

/**
 * A durable listener that is no step: it hears an event once, in a transaction, in a consumer group of its own, and is repeated until it succeeds.
 */
export function OnSagaEvent<Event extends object>(
  event: EventClass<string, never, Event> & (new (data: never) => Event),
  options: ListenerOptions = {},
) {
  return function <M extends (event: Event, saga: ListenerContext) => Answer<unknown>>(
    target: object,
    property: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void {
    addHandler(target, { kind: 'listener', event, property, options }, descriptor);
  } satisfies Method<never>;
}
