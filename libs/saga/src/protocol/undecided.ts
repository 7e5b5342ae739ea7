import type { StepShape } from '../definition/saga-definition.js';
import type { Advance, StepState } from './step-state.js';

/**
 * What is not known of attempts outside the database. An attempt that was begun may have had its effect until it says otherwise: it is undecided.
 * One that ends without a word, or that cannot tell, stays so, and then no failure of a later attempt decides anything: `earlier`.
 */
export interface Undecided {
  /** The latest attempt that was begun; what another one reports is late. */
  readonly attempt: string;
  /** There was an attempt before it of which nobody knows, or it could not tell itself. */
  readonly earlier: boolean;
}

/** The intent of an attempt, made durable before anything is done. */
export function onAttemptBegun(state: StepState, attempt: string): Advance {
  if (!isWorking(state)) return ignored(state);
  if (state.undecided?.attempt === attempt) return { state, verdict: 'duplicate' };
  return informed(state, { attempt, earlier: state.undecided !== undefined });
}

/** An attempt surely had no effect. That says nothing of another one. */
export function onAttemptFailed(state: StepState, attempt: string): Advance {
  const { undecided } = state;
  if (!isWorking(state) || undecided?.attempt !== attempt) return ignored(state);
  return undecided.earlier ? { state, verdict: 'handled' } : decided(state);
}

export function onOutcomeUnknown(state: StepState): Advance {
  if (!isWorking(state)) return ignored(state);
  if (state.undecided?.earlier) return { state, verdict: 'handled' };
  return informed(state, { attempt: state.undecided?.attempt ?? '', earlier: true });
}

/** Somebody who knows says that no attempt so far had its effect, and that none of them will. */
export function onNotHappened(state: StepState): Advance {
  return state.status === 'running' ? decided(state) : ignored(state);
}

/** Only a step that surely had no effect is rejected; one that must be done, or whose outcome is unknown, is not. */
export function onAttemptsExhausted(step: StepShape, state: StepState): Advance {
  if (state.status !== 'running') return ignored(state);
  if (step.role === 'retriable' || state.undecided) return { state, verdict: 'refused' };
  return { state: { ...state, status: 'rejected' }, verdict: 'handled', emit: 'rejected' };
}

/** A step whose undo would follow at once, and which surely had no effect so far, needs no other attempt. */
export function onAbandoned(state: StepState, doomed: boolean): Advance {
  if (state.status !== 'running') return ignored(state);
  if (state.undecided || !doomed) return { state, verdict: 'refused' };
  return { state: { ...state, status: 'cancelled' }, verdict: 'handled', emit: 'cancelled' };
}

function isWorking({ status }: StepState): boolean {
  return status === 'running' || status === 'compensating';
}

function informed(state: StepState, undecided: Undecided): Advance {
  return { state: { ...state, undecided }, verdict: 'handled' };
}

function decided(state: StepState): Advance {
  const { undecided: _known, ...rest } = state;
  return { state: rest, verdict: 'handled' };
}

function ignored(state: StepState): Advance {
  return { state, verdict: 'ignored' };
}
