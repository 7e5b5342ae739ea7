import { StepPostponed, StepRejected } from '../protocol/errors.js';
import type { Cause, Envelope, SagaHeaders } from '../protocol/envelope.js';
import type { TimerKind } from '../ports/timers.js';
import type { Run, Signal, Verdict } from '../protocol/step-state.js';
import type { FenceRow, StoredEvent } from '../ports/fence-row.js';
import type { BoundStep } from './bound-step.js';
import type { Patience } from './patience.js';
import type { LogLine } from './failure/failure-report.js';
import type { Operations } from './operate/letters.js';
import type { Operation, OperatorAnswer } from './operate/operation.js';

/** What a step's method came to. */
export interface StepResult {
  readonly type: 'effectRecorded' | 'skipped' | 'rejected' | 'undone';
  readonly event: StoredEvent;
}

/** Something that happens to one step of one saga, on its way to the fence row. */
export interface Delivery {
  readonly sagaId: string;
  readonly bound: BoundStep;
  readonly headers: SagaHeaders;
  readonly happening: Happening;
  /** Of somebody who waits for it and may withdraw it. */
  readonly patience?: Patience;
  /** What becomes of it while there is no row of the step here: another service has the step. */
  readonly unlessBegun?: 'ignored' | 'passed';
}

export type Happening =
  /** A step of the saga that this one's commit step belongs to cannot be undone without a person. */
  | { readonly type: 'nestedDeadLetter'; readonly reason: string }
  /** A signal that an event of a neighbor (or of an outside request) gave. */
  | {
      readonly type: 'signal';
      readonly signal: Signal;
      /** The event that the step's method takes, or that asks for its undo, under the name of the step that emitted it. */
      readonly input?: { readonly from: string; readonly event: StoredEvent; readonly instance: unknown };
      readonly cause?: Cause;
      readonly causationId?: string;
      /** The outside record that begins the saga, where its id does not tell; `isLater`: it was written after the saga's row, if there is one, was saved last. */
      readonly startedBy?: { readonly record: string; readonly isLater: boolean };
      /** Somebody waits for the start and is told when it fails; then it leaves nothing. */
      readonly attended?: boolean;
      /** It begins a saga whose id was minted for it: there is no row yet. */
      readonly minted?: boolean;
    }
  /** A parked attempt is due; with `version`, only if nobody has changed the row since. */
  | { readonly type: 'attempt'; readonly version?: number }
  /** A method that ran outside any transaction came to this. */
  | { readonly type: 'result'; readonly result: StepResult }
  /** A method that ran outside any transaction threw this. */
  | {
      readonly type: 'failed';
      readonly run: 'step' | 'compensation';
      readonly attempt: string;
      readonly error: unknown;
    }
  /** Such a method was not called: too many run already. */
  | { readonly type: 'notBegun'; readonly attempt: string }
  /** Such a method is still running. */
  | { readonly type: 'stillRunning'; readonly attempt: string }
  /** Who was asked says that the effect did not happen. */
  | { readonly type: 'notHappened'; readonly attempt: string }
  /** Who was asked does not know. */
  | { readonly type: 'stillUnknown'; readonly attempt: string; readonly error: unknown }
  /** An operator said something about the step. */
  | { readonly type: 'operated'; readonly operation: Operation }
  /** A timer of the step is due. */
  | { readonly type: 'expired'; readonly timer: TimerKind }
  /** The saga's pivot is done: nothing is undone any more. Heard where something lasts until then; moves no row. */
  | { readonly type: 'committed' }
  /** Somebody gave the step that waits for it its event. */
  | { readonly type: 'signaled'; readonly answer: StepResult };

/** How a delivery ended; `retried` means parked for another attempt, `passed` that the service which has taken over the step is to begin it. */
export interface Settled {
  readonly verdict: Verdict | 'retried' | 'passed';
  readonly row: FenceRow;
  readonly emitted: readonly Envelope[];
  /** Which attempt this is, or would be. */
  readonly attempt?: number;
  /** Another row is due at once. */
  readonly alsoDue?: true;
  /** The row waits for a method that runs outside the transaction. */
  readonly external?: Run;
  /** Dead letters and words of operators that are committed with the row. */
  readonly operations?: Operations;
  /** What the log is told. */
  readonly lines?: readonly LogLine[];
  /** What came of an operator's word. */
  readonly answer?: OperatorAnswer;
}

/** Somebody waits for the start, and is told when it fails. */
export function isAttended({ happening }: Delivery): boolean {
  return happening.type === 'signal' && happening.attended === true;
}

/** What a step says by throwing, and no trouble. */
export function isExpected(error: unknown): boolean {
  return error instanceof StepRejected || error instanceof StepPostponed;
}

/** Whether its row may be there already. */
export function mayHaveRow({ happening }: Delivery): boolean {
  return happening.type !== 'signal' || happening.minted !== true;
}
