import type { Cause, SagaHeaders } from '../protocol/envelope.js';
import type { StepState } from '../protocol/step-state.js';
import type { OperatorVerb } from './audit-log.js';

/** Names a fence row: one per saga and step. */
export interface FenceKey {
  readonly sagaId: string;
  readonly step: string;
}

/** The data of an event as it is stored, with the type that rebuilds it. */
export interface StoredEvent {
  readonly type: string;
  readonly data: object;
}

/** The last word of an operator that changed a row. */
export interface Operated {
  readonly verb: Exclude<OperatorVerb, 'abort'>;
  /** How a step was resolved. */
  readonly as?: ResolvedAs;
  readonly actor: string;
  /** How often the step was redriven: a dead letter that follows is another one. */
  readonly redriven: number;
}

/** What an operator found out or did by hand: the step had its effect, it has none, or its effect was undone. */
export type ResolvedAs = 'done' | 'notDone' | 'compensated';

/** The fence row of one step of one saga: the step's inbox, its lock, its undo payload and its retry state. */
export interface FenceRow extends FenceKey, StepState {
  readonly headers: SagaHeaders;
  /**
   * The events of the predecessors by step, kept until the step is decided; the source's start input under its own name.
   * Then the events of the successors that ask for its undo, kept until it is undone.
   */
  readonly inputs: Readonly<Record<string, StoredEvent>>;
  /** What the step emitted when it was done: the undo payload. */
  readonly result?: StoredEvent;
  readonly cause?: Cause;
  /** The event that directly caused the row's latest change. */
  readonly causationId?: string;
  /** The outside record that began the saga, where the saga's id does not tell which. */
  readonly startedBy?: string;
  /** Failed attempts of the step or of its compensation since its status last changed. */
  readonly attempts: number;
  /** How often the step or its compensation was postponed (`StepPostponed`) since its status last changed, and since when. */
  readonly postponed?: { readonly times: number; readonly since: Date };
  /** When the first of these attempts failed. */
  readonly failingSince?: Date;
  /**
   * In how many milliseconds of the store's own time the next attempt is due, counted from the beginning of the transaction that reads or saves the row;
   * negative when it is overdue, absent while nothing waits. No clock but the store's tells when anything is due.
   */
  readonly dueIn?: number;
  readonly lastError?: string;
  readonly operated?: Operated;
  /** Nothing that its saga may still do concerns the row: it is kept for redeliveries only. Set where a service purges; the store keeps since when. */
  readonly settled?: true;
  /** 0: not stored yet. Raised by one with every save; a save over another version is a conflict. */
  readonly version: number;
}

export function fenceKey(key: FenceKey): string {
  return `${key.sagaId}/${key.step}`;
}
