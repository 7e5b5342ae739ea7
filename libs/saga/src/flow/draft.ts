import type { FenceRow } from '../ports/fence-row.js';
import type { StepState } from '../protocol/step-state.js';

/**
 * Something immutable while it is being made. What every event passes through is written out field by field: to spread objects with
 * optional fields would be a third of a busy service's own work.
 */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** The row in another state. A new status starts counting attempts anew; nothing waits for an attempt. */
export function rowIn(state: StepState, row: FenceRow): Draft<FenceRow> {
  const {
    sagaId,
    step,
    headers,
    inputs,
    version,
    result,
    cause,
    causationId,
    failingSince,
    operated,
    startedBy,
    postponed,
  } = row;
  const { status, predecessorsDone, successorsClosed, undecided } = state;
  const sameStatus = row.status === status;
  const attempts = sameStatus ? row.attempts : 0;
  const next: Draft<FenceRow> = {
    sagaId,
    step,
    status,
    predecessorsDone,
    successorsClosed,
    headers,
    inputs,
    attempts,
    version,
  };
  if (result) next.result = result;
  if (cause) next.cause = cause;
  if (causationId !== undefined) next.causationId = causationId;
  if (startedBy !== undefined) next.startedBy = startedBy;
  if (operated) next.operated = operated;
  if (sameStatus && postponed) next.postponed = postponed;
  if (sameStatus && failingSince) next.failingSince = failingSince;
  if (sameStatus && undecided) next.undecided = undecided;
  return next;
}
