import type { StepShape } from '../definition/saga-definition.js';
import { isClosed, type Advance, type Signal, type StepState, type Verdict } from './step-state.js';
import {
  onAbandoned,
  onAttemptBegun,
  onAttemptFailed,
  onAttemptsExhausted,
  onNotHappened,
  onOutcomeUnknown,
} from './undecided.js';

/**
 * The participant machine: what a step does when something happens, given only its own row. Pure and total: every signal has an
 * answer in every status, and asking twice changes nothing.
 *
 * The one rule is *close backwards*: a compensatable step undoes itself when, and only when, it is done and all its direct
 * successors are closed. A step that has not started is cancelled as soon as a neighbor closes.
 */
export function advance(step: StepShape, state: StepState, signal: Signal): Advance {
  switch (signal.type) {
    case 'started':
      return onStarted(state);
    case 'predecessorDone':
      return onPredecessorDone(step, state, signal.step);
    case 'predecessorClosed':
      return onPredecessorClosed(step, state, signal.step);
    case 'successorClosed':
      return onSuccessorClosed(step, state, signal.step);
    case 'abortRequested':
      return state.status === 'none' && step.role !== 'retriable' ? cancelled(state) : ignored(state);
    case 'effectRecorded':
      return onEffectRecorded(step, state);
    case 'skipped':
      return onSkipped(step, state);
    case 'rejected':
      return onRejected(step, state);
    case 'attemptBegun':
      return onAttemptBegun(state, signal.attempt);
    case 'attemptFailed':
      return onAttemptFailed(state, signal.attempt);
    case 'outcomeUnknown':
      return onOutcomeUnknown(state);
    case 'notHappened':
      return onNotHappened(state);
    case 'attemptsExhausted':
      return onAttemptsExhausted(step, state);
    case 'abandoned':
      return onAbandoned(state, isDoomed(step, state));
    case 'undone':
      return state.status === 'compensating' ? compensated(state) : ignored(state);
    case 'undoExhausted':
      return state.status === 'compensating'
        ? { state: { ...state, status: 'deadLettered' }, verdict: 'handled', emit: 'deadLettered' }
        : ignored(state);
    case 'resolve':
    case 'waive':
      return state.status === 'deadLettered' ? compensated(state) : unmoved(state, 'refused');
    case 'redrive':
      return state.status === 'deadLettered' ? compensating(state) : unmoved(state, 'refused');
  }
}

function onStarted(state: StepState): Advance {
  if (state.status === 'none') return { state: { ...state, status: 'running' }, verdict: 'handled', run: 'step' };
  return unmoved(state, isClosed(state.status) ? 'ignored' : 'duplicate');
}

function onPredecessorDone(step: StepShape, state: StepState, predecessor: string): Advance {
  if (!step.predecessors.includes(predecessor)) return unmoved(state, 'anomaly');
  if (state.predecessorsDone.includes(predecessor))
    return unmoved(state, isClosed(state.status) ? 'ignored' : 'duplicate');
  if (state.status !== 'none') return ignored(state); // the tombstone wins over the late trigger
  const predecessorsDone = [...state.predecessorsDone, predecessor];
  const complete = step.predecessors.every((name) => predecessorsDone.includes(name));
  if (!complete) return { state: { ...state, predecessorsDone }, verdict: 'handled' };
  return { state: { ...state, predecessorsDone, status: 'running' }, verdict: 'handled', run: 'step' };
}

function onPredecessorClosed(step: StepShape, state: StepState, predecessor: string): Advance {
  if (!step.predecessors.includes(predecessor)) return unmoved(state, 'anomaly');
  if (state.status === 'none') return cancelled(state);
  return isClosed(state.status) ? ignored(state) : unmoved(state, 'anomaly');
}

function onSuccessorClosed(step: StepShape, state: StepState, successor: string): Advance {
  if (!step.successors.includes(successor)) return unmoved(state, 'anomaly');
  if (isClosed(state.status)) return ignored(state);
  if (state.successorsClosed.includes(successor)) return unmoved(state, 'duplicate');
  const informed = { ...state, successorsClosed: [...state.successorsClosed, successor] };
  if (state.status === 'none') return cancelled(informed);
  if (state.status === 'done' && isDoomed(step, informed)) return compensating(informed);
  return { state: informed, verdict: 'handled' };
}

/** A step whose successors closed while it ran has nothing to announce: it goes straight to its undo. */
function onEffectRecorded(step: StepShape, state: StepState): Advance {
  switch (state.status) {
    case 'running':
      return isDoomed(step, state)
        ? compensating(state)
        : { state: { ...state, status: 'done' }, verdict: 'handled', emit: 'done' };
    case 'rejected':
    case 'cancelled':
      return { state, verdict: 'anomaly', run: 'lateUndo' };
    case 'none':
      return unmoved(state, 'anomaly');
    default:
      return unmoved(state, 'duplicate');
  }
}

/** Not needed in this saga: done with nothing to undo, so it closes like any other step that is done. */
function onSkipped(step: StepShape, state: StepState): Advance {
  if (state.status !== 'running') return ignored(state);
  return isDoomed(step, state)
    ? compensating(state)
    : { state: { ...state, status: 'done' }, verdict: 'handled', emit: 'skipped' };
}

function onRejected(step: StepShape, state: StepState): Advance {
  if (state.status !== 'running') return ignored(state);
  if (step.role === 'retriable') return unmoved(state, 'refused');
  return { state: { ...state, status: 'rejected' }, verdict: 'handled', emit: 'rejected' };
}

/** Nothing after the step is open any more, so its own effect must go. */
function isDoomed(step: StepShape, state: StepState): boolean {
  return (
    step.role === 'compensatable' &&
    step.successors.length > 0 &&
    step.successors.every((name) => state.successorsClosed.includes(name))
  );
}

function compensating(state: StepState): Advance {
  return { state: { ...state, status: 'compensating' }, verdict: 'handled', run: 'compensation' };
}

function compensated(state: StepState): Advance {
  return { state: { ...state, status: 'compensated' }, verdict: 'handled', emit: 'compensated' };
}

function cancelled(state: StepState): Advance {
  return { state: { ...state, status: 'cancelled' }, verdict: 'handled', emit: 'cancelled' };
}

function ignored(state: StepState): Advance {
  return unmoved(state, 'ignored');
}

function unmoved(state: StepState, verdict: Verdict): Advance {
  return { state, verdict };
}
