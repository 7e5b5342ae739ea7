import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ClosingData } from './default-events.js';
import type { EventClass } from './domain-event.js';
import type {
  AnswerOf,
  CompensatedOf,
  DoneOf,
  InputOf,
  OnDeadLetter,
  RejectedOf,
  StepKind,
  UndoKind,
} from './step-spec.js';

/** A step's part in the protocol, given by its place: before, at or after the commit point. */
export type StepRole = 'compensatable' | 'pivot' | 'retriable';

/** What the protocol needs to know of a step. Names of steps, in the order in which they were declared. */
export interface StepShape {
  readonly name: string;
  readonly role: StepRole;
  readonly predecessors: readonly string[];
  readonly successors: readonly string[];
}

/** A step of a checked definition. */
export interface StepNode extends StepShape {
  readonly saga: string;
  readonly version: number;
  readonly kind: StepKind;
  readonly undo: UndoKind;
  readonly external: boolean;
  readonly onDeadLetter: OnDeadLetter;
  /** Whether the step runs, by what its method would be given; absent: it always does. */
  readonly when?: (input: never) => boolean;
  /** Milliseconds from its beginning. */
  readonly deadline?: number;
  /** Milliseconds from its end. */
  readonly expires?: number;
  readonly awaits?: 'signal';
  /** A fan-out: names the step's branches, by the event of the source. */
  readonly each?: (started: never) => readonly string[];
  /** A branch of a fan-out, in the graph of one saga. */
  readonly branchOf?: { readonly step: string; readonly branch: string };
  readonly on?: EventClass;
  readonly input?: StandardSchemaV1<unknown, unknown>;
  /** The step is a saga of its own, and its event is made from what that one came to. */
  readonly nested?: { readonly saga: SagaGraph; readonly result?: (last: never) => object };
  readonly events: StepEvents;
}

/** The class of a closing event that the library makes: its events have `{ failedStep, reason }`. */
export type ClosingEvent = EventClass<string, never, ClosingData>;

/** The event classes of a step's outcomes, and which of them the library itself can make from `{ failedStep, reason }`. */
export interface StepEvents {
  readonly done: EventClass;
  readonly rejected: EventClass;
  readonly compensated: EventClass;
  readonly cancelled: EventClass;
  /** Only of a step with `when`. */
  readonly skipped?: EventClass;
  /** The default classes, for closings that no method of the user made (retries exhausted, resolved by an operator). */
  readonly defaults: { readonly rejected: ClosingEvent; readonly compensated: ClosingEvent };
}

declare const types: unique symbol;

/** A step with the types of its methods; the types exist for the compiler only. */
export interface Step<Input = never, Done = unknown, Rejected = unknown> extends StepNode {
  readonly [types]?: { readonly input: (input: Input) => void; readonly done: Done; readonly rejected: Rejected };
}

declare const undoTypes: unique symbol;

/** A step that can be undone: only these have compensations. */
export interface CompensatableStep<
  Input = never,
  Done = unknown,
  Rejected = unknown,
  Compensated = unknown,
> extends Step<Input, Done, Rejected> {
  readonly [undoTypes]: { readonly done: (done: Done) => Done; readonly compensated: Compensated };
}

/** A step that waits for a signal. */
export interface AwaitingStep<Input = never, Done = unknown, Rejected = unknown> extends Step<Input, Done, Rejected> {
  readonly awaits: 'signal';
}

type StepOf<S, K extends keyof S> = S[K] extends { readonly saga: unknown }
  ? Step<InputOf<S, K>, AnswerOf<S[K]>, never>
  : UndoableStepOf<S, K> & (S[K] extends { readonly awaits: infer Awaits } ? { readonly awaits: Awaits } : unknown);

type UndoableStepOf<S, K extends keyof S> = [CompensatedOf<S[K]>] extends [never]
  ? Step<InputOf<S, K>, DoneOf<S[K]>, RejectedOf<S[K]>>
  : CompensatableStep<InputOf<S, K>, DoneOf<S[K]>, RejectedOf<S[K]>, CompensatedOf<S[K]>>;

/** A checked saga definition: the graph of a business process, shared by all its participants. */
export interface SagaDefinition<S = Record<string, unknown>> extends SagaGraph {
  readonly steps: { readonly [K in keyof S & string]: StepOf<S, K> };
}

/** A definition without the types of its steps: what the runtime works on. */
export interface SagaGraph {
  readonly name: string;
  readonly version: number;
  readonly source: string;
  readonly commitPoint: string;
  readonly sinks: readonly string[];
  /** How many milliseconds the saga has until its pivot is done. */
  readonly deadline?: number;
  /** `withParent`: it may be a step of another saga, and nothing in it is final before that one's pivot is done. */
  readonly commits: 'alone' | 'withParent';
  /** The field of the source's event that becomes the partition key of all the saga's events; default: the saga id. */
  readonly partitionBy?: string;
  /** The steps that run once for each branch. */
  readonly fanOuts: readonly string[];
  /** The graph of one saga, with a node for each branch of a fan-out: the definition that it was made from. */
  readonly template?: SagaGraph;
  readonly steps: Readonly<Record<string, StepNode>>;
}
