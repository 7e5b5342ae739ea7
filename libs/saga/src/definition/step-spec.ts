import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { EventClass } from './domain-event.js';
import type { SagaDefinition, SagaGraph } from './saga-definition.js';

/**
 * What a step is in the saga. `compensatable`: before the pivot, can be undone. `pivot`: the commit point, the last step that may be refused.
 * `retriable`: after the pivot, repeated until done. `readOnly`: has no effect, so nothing to undo.
 */
export type StepKind = 'compensatable' | 'pivot' | 'retriable' | 'readOnly';

/** How a compensation undoes: `direct` restores what was, `semantic` corrects what cannot be taken back (a mail that was sent). */
export type UndoKind = 'direct' | 'semantic';

/** Whether the undo of a saga waits for a step whose compensation needs a person. */
export type OnDeadLetter = 'halt' | 'continue';

/** A step as a team writes it. `Others` are the names of the saga's other steps. */
export interface StepSpec<Others extends string = string> {
  /** The step or steps that must be done before this one. Left out on the source only. */
  readonly after?: Others | readonly Others[];
  /** Source only: the outside event that starts the saga. */
  readonly on?: EventClass;
  /** Source only: the schema of what `sagas.start` is given. */
  readonly input?: StandardSchemaV1<unknown, unknown>;
  /** Default: `compensatable`; the single sink of a saga without a pivot is its commit point. */
  readonly kind?: StepKind;
  /**
   * Whether the step runs in this saga at all: a pure function of what its method would be given. `false`: it is skipped, which counts as done with nothing
   * to undo, and its successors get `undefined` for it. Not for the source, not for the commit point.
   */
  readonly when?: (input: never) => boolean;
  /**
   * Makes the step a fan-out: it runs once for each name that this pure function of the source's event answers with, all at the same time, `saga.branch`
   * naming the branch. 0 to 100 names of 1 to 64 letters, digits, ".", "_", ":" or "-", each once. Successors wait for all and get `{ [branch]: event }`.
   * Not for the source, not for the commit point.
   */
  readonly each?: (started: never) => readonly string[];
  /** Default: `direct`. */
  readonly undo?: UndoKind;
  /** The step works outside the database: its intent is committed first, it runs outside any transaction, then its outcome is recorded. */
  readonly effect?: 'external';
  /**
   * What happens when the compensation's attempts are used up, beside the dead letter. `halt` (default): the saga waits for an operator. `continue`: the
   * steps before this one are undone all the same, and the undo that is owed stays visible as a debt until an operator sees to it.
   */
  readonly onDeadLetter?: OnDeadLetter;
  /**
   * How many milliseconds the step may take once it has begun. Then its owner rejects it, if it surely has no effect; while nobody knows, an external
   * step asks for an abort of the saga; a retriable step raises an alert only.
   */
  readonly deadline?: number;
  /** For how many milliseconds what the step did is held for a saga that does not commit: a reservation. Then an abort of the saga is requested. */
  readonly expires?: number;
  /** The step waits for somebody's word (`sagas.signal`), unless its method answers with an event at once. */
  readonly awaits?: 'signal';
  /**
   * The step is a saga of its own, which `commits: 'withParent'`: the method in the service of its source returns its start input. It is undone as a
   * whole when this saga closes backwards.
   */
  readonly saga?: SagaGraph;
  /**
   * Only with `saga`: the data of `emits`, made from the event of the nested saga's last step (`{ [step]: event }` of several). Left out: that data itself.
   */
  readonly result?: (last: never) => object;
  /** The event of the step done. */
  readonly emits: EventClass;
  /** The event of a business no; default `<saga>.<step>.rejected` with `{ failedStep, reason }`. */
  readonly rejected?: EventClass;
  /** The event of the step undone; default `<saga>.<step>.compensated` with `{ failedStep, reason }`. */
  readonly compensated?: EventClass;
  /** The event of a step that never ran and never will; made by the library, so its schema must accept `{ failedStep, reason }`. */
  readonly cancelled?: EventClass;
}

/** The steps of a saga: each may follow the others, and has no property that no step has. */
export type StepSpecs<S> = {
  [K in keyof S]: StepSpec<Exclude<Extract<keyof S, string>, K>> & {
    /** Name the type of the parameter: `when: (order: OrderPlaced) => order.express`. */
    readonly when?: (input: InputOf<S, K>) => boolean;
    /** Name the type of the parameter: `each: (trip: TripRequested) => trip.legs`. */
    readonly each?: (started: SourceEvent<S>) => readonly string[];
  } & {
    [P in Exclude<keyof S[K], keyof StepSpec>]?: never;
  };
};

type InstanceOf<C> = C extends new (data: never) => infer Instance ? Instance : never;

/** The event of the step that has no predecessors. */
type SourceEvent<S> = {
  [K in keyof S]: S[K] extends { readonly after: unknown } ? never : DoneOf<S[K]>;
}[keyof S];

/** What a step gives to its successors: its event, or `undefined` where it may be skipped; of a fan-out, one of each branch. */
type Emitted<S, K> = K extends keyof S
  ? S[K] extends { readonly each: unknown }
    ? Readonly<Record<string, DoneOf<S[K]> | Skipped<S[K]>>>
    : DoneOf<S[K]> | Skipped<S[K]>
  : never;

type Skipped<Spec> = Spec extends { readonly when: unknown } ? undefined : never;

type StartInput<Spec> = Spec extends { readonly on: infer E }
  ? InstanceOf<E>
  : Spec extends { readonly input: infer Schema extends StandardSchemaV1 }
    ? StandardSchemaV1.InferOutput<Schema>
    : never;

/** One predecessor: its event. Several: `{ [step]: event }`. The source: its outside event, its `input`, or whatever its method declares. */
export type InputOf<S, K extends keyof S> = S[K] extends { readonly after: infer After }
  ? After extends string
    ? Emitted<S, After>
    : After extends readonly (infer Names)[]
      ? { readonly [P in Names & string]: Emitted<S, P> }
      : never
  : StartInput<S[K]>;

/** What starts a saga from outside: the data of its outside event, what its input schema takes, or any object. */
export type SourceInput<S> = {
  [K in keyof S]: S[K] extends { readonly after: unknown } ? never : OutsideInput<S[K]>;
}[keyof S];

type OutsideInput<Spec> = Spec extends { readonly on: new (data: infer Data) => unknown }
  ? Data
  : Spec extends { readonly input: { readonly '~standard': { readonly types?: infer Types } } }
    ? NonNullable<Types> extends { readonly input: infer Input }
      ? Input
      : object
    : object;

/** What a step's method returns when the step is done: its event, or the start input of the saga that it is. */
export type AnswerOf<Spec> = Spec extends { readonly saga: SagaDefinition<infer Child> }
  ? SourceInput<Child>
  : DoneOf<Spec>;

export type DoneOf<Spec> = Spec extends { readonly emits: infer E } ? InstanceOf<E> : never;

export type RejectedOf<Spec> = Spec extends { readonly kind: 'retriable' }
  ? never
  : Spec extends { readonly rejected: infer E }
    ? InstanceOf<E>
    : never;

/** `never` where nothing is ever undone; `void` where the library makes the default event. */
export type CompensatedOf<Spec> = Spec extends { readonly kind: 'pivot' | 'retriable' | 'readOnly' }
  ? never
  : Spec extends { readonly compensated: infer E }
    ? InstanceOf<E>
    : void;
