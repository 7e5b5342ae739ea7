import { isDeepStrictEqual } from 'node:util';
import { SagaError } from '../../protocol/errors.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { TimerKind } from '../../ports/timers.js';
import type { BoundStep } from '../bound-step.js';
import type { Happening, StepResult } from '../delivery.js';
import { deadlineExceeded, givenUp, isGate, isWaiting, mayGiveUp } from './give-up.js';
import type { Participant } from '../participant.js';
import { conclude, type Taken } from '../take.js';
import { runUntilCommit } from './timers-of.js';

type Timely = Extract<Happening, { readonly type: 'expired' | 'committed' | 'signaled' }>;

/** Takes what time, the pivot and people do to a step. All of it goes by the row's lock, so of two at the same instant one finds the other's result. */
export function inTime(
  { retention }: Pick<Participant, 'retention'>,
  bound: BoundStep,
  row: FenceRow,
  happening: Timely,
): Taken {
  switch (happening.type) {
    case 'committed':
      return { row: retention ? settledBy(row) : row, verdict: 'ignored', ended: runUntilCommit(bound) };
    case 'signaled':
      return answered(bound, row, happening.answer);
    case 'expired': {
      const { alert, ...taken } = expired(bound, row, happening.timer);
      if (taken.abort && !knowsBranches(bound, row)) return { row, verdict: 'ignored' };
      const line = `Step "${row.step}" of saga ${row.sagaId}: ${alert}`;
      return { ...taken, ended: [happening.timer], ...(alert !== undefined && { report: { level: 'error', line } }) };
    }
  }
}

/** What is done before the pivot is not undone any more; a commit that comes before its row, or again, changes nothing. */
function settledBy(row: FenceRow): FenceRow {
  return row.status === 'done' && !row.settled ? { ...row, settled: true } : row;
}

/** Without them nobody can be asked to close: the timer comes again until the source is done. */
function knowsBranches({ saga }: BoundStep, { headers }: FenceRow): boolean {
  return saga.fanOuts.length === 0 || headers.branches !== undefined;
}

function answered(bound: BoundStep, row: FenceRow, answer: StepResult): Taken {
  refuseOtherVersion(bound, row);
  if (isWaiting(bound, row) && !isGate(bound, row)) return conclude(bound, row, answer);
  return { row, verdict: isSame(row, answer) ? 'duplicate' : 'refused' };
}

/** Whoever signals names a step of one version; the saga may have begun with another. */
function refuseOtherVersion({ node, saga }: BoundStep, { version, headers, sagaId }: FenceRow): void {
  if (version === 0 || headers.sagaVersion === saga.version) return;
  throw new SagaError(
    'OTHER_VERSION',
    `Saga ${sagaId} is of version ${headers.sagaVersion} of "${saga.name}", the signal is for step "${node.name}" of version ${saga.version}; signal the step of the saga's own version.`,
    { sagaId, step: node.name, retriable: false },
  );
}

/** Data as it is stored: one of the two has not been, yet. */
function isSame({ result }: FenceRow, { event }: StepResult): boolean {
  const plain = (data: object): unknown => JSON.parse(JSON.stringify(data));
  return result?.type === event.type && isDeepStrictEqual(plain(result.data), plain(event.data));
}

function expired(bound: BoundStep, row: FenceRow, timer: TimerKind): Taken & { readonly alert?: string } {
  switch (timer) {
    case 'deadline':
      return overdue(bound, row);
    case 'reservation': {
      const reason = `reservation of "${row.step}" expired`;
      return row.status === 'done' ? asking(row, row.step, reason) : { row, verdict: 'ignored' };
    }
    case 'sagaDeadline':
      return row.status === 'running' || row.status === 'done'
        ? asking(row, 'deadline', deadlineExceeded)
        : { row, verdict: 'ignored' };
  }
}

/** Only an owner that knows of no effect rejects; where nobody knows, the saga is asked to end around the step. */
function overdue(bound: BoundStep, row: FenceRow): Taken & { readonly alert?: string } {
  if (row.status !== 'running') return { row, verdict: 'ignored' };
  if (mayGiveUp(bound, row)) return givenUp(bound, row, deadlineExceeded);
  const { deadline, role } = bound.node;
  if (role === 'retriable')
    return { row, verdict: 'handled', alert: `it is not done after ${deadline} ms; it is repeated until it is` };
  return {
    ...asking(row, row.step, deadlineExceeded),
    alert: `its outcome is not known after ${deadline} ms; an abort of the saga is requested, and its attempts go on`,
  };
}

function asking(row: FenceRow, step: string, reason: string): Taken {
  return { row, verdict: 'handled', abort: { step, reason } };
}
