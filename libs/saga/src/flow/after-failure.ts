import { advance } from '../protocol/step-machine.js';
import { OutcomeUnknown, StepPostponed, StepRejected } from '../protocol/errors.js';
import { reasonOf, shortened } from '../protocol/reason.js';
import { isExhausted, retryDelay } from '../protocol/retry.js';
import type { FenceRow } from '../ports/fence-row.js';
import { rejectedBy } from './attempt.js';
import type { BoundStep } from './bound-step.js';
import type { Delivery } from './delivery.js';
import type { Participant } from './participant.js';
import { conclude, take, type Taken } from './take.js';

/**
 * What a failed attempt makes of its row. It had no effect, or nobody knows, so: it is parked for another attempt; when its attempts are
 * used up, a step that surely had no effect is rejected and a compensation becomes a dead letter. A step that must be done
 * (retriable), or whose outcome is unknown, is never given up.
 *
 * @returns nothing when no attempt is due, so the error was not the method's, or somebody else was first
 */
export function afterFailure(
  participant: Participant,
  delivery: Delivery,
  before: FenceRow,
  error: unknown,
): Taken | undefined {
  const { bound } = delivery;
  const due = take(delivery, before);
  if (due.run !== 'step' && due.run !== 'compensation') return undefined;
  if (delivery.happening.type === 'failed' && delivery.happening.run !== due.run) return undefined;
  const reason = reasonOf(error);
  if (error instanceof StepRejected && due.run === 'step' && bound.node.role !== 'retriable') {
    return conclude(bound, due.row, rejectedBy(bound.node, reason));
  }
  if (error instanceof StepPostponed) return { row: postponed(due.row, error), verdict: 'handled' };
  const failed: FenceRow = {
    ...due.row,
    attempts: due.row.attempts + 1,
    failingSince: due.row.failingSince ?? participant.clock.now(),
    lastError: reason,
  };
  const policy = due.run === 'step' ? bound.retry : bound.undoRetry;
  if (isExhausted(policy, failed.attempts)) {
    if (due.run === 'compensation') return deadLettered(bound, failed);
    if (mayGiveUp(bound, error)) return conclude(bound, failed, rejectedBy(bound.node, reason));
  }
  return {
    row: { ...failed, dueIn: nextAttempt(participant, bound, due.run, failed.attempts) },
    verdict: 'handled',
  };
}

function postponed(row: FenceRow, { reason, delay }: StepPostponed): FenceRow {
  return { ...row, lastError: shortened(reason), dueIn: delay };
}

function mayGiveUp(bound: BoundStep, error: unknown): boolean {
  return bound.node.role !== 'retriable' && !bound.node.external && !(error instanceof OutcomeUnknown);
}

function nextAttempt(
  participant: Participant,
  bound: BoundStep,
  run: 'step' | 'compensation',
  failures: number,
): number {
  const policy = run === 'step' ? bound.retry : bound.undoRetry;
  return retryDelay(policy, failures, participant.chance.random());
}

function deadLettered(bound: BoundStep, row: FenceRow): Taken {
  const { dueIn: _due, ...waiting } = row;
  const next = advance(bound.node, waiting, { type: 'undoExhausted' });
  return { row: { ...waiting, ...next.state }, verdict: next.verdict, ...(next.emit && { emit: next.emit }) };
}
