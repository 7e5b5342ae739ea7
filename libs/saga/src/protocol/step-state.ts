import type { Outcome } from './outcome.js';
import type { Undecided } from './undecided.js';

/**
 * Where a step stands. `none`: nothing decided. `running`: it shall have its effect (waiting for an attempt, or in one).
 * `rejected`, `cancelled` and `compensated` are closed: tombstones that refuse whatever comes late.
 */
export type StepStatus =
  'none' | 'running' | 'done' | 'compensating' | 'deadLettered' | 'rejected' | 'cancelled' | 'compensated';

/** The protocol's part of a fence row. The sets only grow and the status only moves right in the machine. */
export interface StepState {
  readonly status: StepStatus;
  readonly predecessorsDone: readonly string[];
  readonly successorsClosed: readonly string[];
  /** While the step is running or compensating: nobody knows what came of an attempt outside the database. */
  readonly undecided?: Undecided;
}

export const untouched: StepState = { status: 'none', predecessorsDone: [], successorsClosed: [] };

export function isClosed(status: StepStatus): boolean {
  return status === 'rejected' || status === 'cancelled' || status === 'compensated';
}

/** What can happen to a step: an event of a neighbor, a result of its own method, or an operator's word. */
export type Signal =
  | { readonly type: 'started' }
  | { readonly type: 'predecessorDone'; readonly step: string }
  | { readonly type: 'predecessorClosed'; readonly step: string }
  | { readonly type: 'successorClosed'; readonly step: string }
  | { readonly type: 'abortRequested' }
  | { readonly type: 'effectRecorded' }
  | { readonly type: 'skipped' }
  | { readonly type: 'rejected' }
  | { readonly type: 'attemptBegun'; readonly attempt: string }
  | { readonly type: 'attemptFailed'; readonly attempt: string }
  | { readonly type: 'outcomeUnknown' }
  | { readonly type: 'notHappened' }
  | { readonly type: 'attemptsExhausted' }
  | { readonly type: 'abandoned' }
  | { readonly type: 'undone' }
  | { readonly type: 'undoExhausted' }
  | { readonly type: 'resolve' }
  | { readonly type: 'waive' }
  | { readonly type: 'redrive' };

/**
 * How a signal was taken. `handled`: it moved or informed the step. `duplicate`: it was known. `ignored`: the step's state makes it void.
 * `refused`: an operator's word or a rejection that the state does not allow. `anomaly`: it should be impossible; a defect somewhere, to be looked at.
 */
export type Verdict = 'handled' | 'duplicate' | 'ignored' | 'refused' | 'anomaly';

/** What to do next: `step` and `compensation` run the decorated method, `lateUndo` undoes an effect that a closed step had after all. */
export type Run = 'step' | 'compensation' | 'lateUndo';

export interface Advance {
  readonly state: StepState;
  readonly verdict: Verdict;
  readonly run?: Run;
  readonly emit?: Exclude<Outcome, 'abortRequested'>;
}
