import { advance } from '../../protocol/step-machine.js';
import { InvalidEventData } from '../../definition/domain-event.js';
import { OutcomeUnknown, SagaError, StepPostponed, StepRejected } from '../../protocol/errors.js';
import { reasonOf, shortened } from '../../protocol/reason.js';
import { isExhausted, policyAfter, retryDelay, type RetryPolicy } from '../../protocol/retry.js';
import type { FenceRow } from '../../ports/fence-row.js';
import { TransactionLost } from '../../ports/step-store.js';
import { rejectedBy } from '../attempt.js';
import type { BoundStep } from '../bound-step.js';
import { heldBackAfter, heldBackFor } from './circuits.js';
import type { Delivery } from '../delivery.js';
import { failureReport } from './failure-report.js';
import { known } from './intent.js';
import { takeLost } from './lost.js';
import type { Participant } from '../participant.js';
import { conclude, take, type Taken } from '../take.js';

/**
 * What a failed attempt makes of its row, and what is told of it; a business no is no failure. It had no effect, or nobody knows, so: it is parked for another attempt. When its attempts are
 * used up, or when more of them cannot help, a step that surely had no effect is rejected, one of which nobody knows waits for somebody who does, and a compensation becomes a dead
 * letter. A step that must be done (retriable) is never given up. While a circuit is open, failures are charged to no saga.
 *
 * @returns nothing when no attempt is due, so the error was not the method's, or somebody else was first
 */
export function afterFailure(
  participant: Participant,
  delivery: Delivery,
  before: FenceRow,
  error: unknown,
): Taken | undefined {
  const { bound, happening } = delivery;
  if (error instanceof TransactionLost) return takeLost(delivery, before, error);
  const { run, row } = take(delivery, before);
  if (run !== 'step' && run !== 'compensation') return undefined;
  if (happening.type === 'failed' && happening.run !== run) return undefined;
  if (error instanceof StepRejected && run === 'step' && bound.node.role !== 'retriable') {
    return conclude(bound, row, rejectedBy(bound.node, reasonOf(error)));
  }
  const told = learned(delivery, row, error);
  if (isLate(delivery, row)) return told === row ? undefined : { row: told, verdict: 'handled' };
  if (error instanceof StepPostponed)
    return { row: postponed(participant, told, error), verdict: 'handled', parked: true };
  const failed: FenceRow = {
    ...told,
    failingSince: row.failingSince ?? participant.clock.now(),
    lastError: reasonOf(error),
  };
  const wait = heldBackAfter(bound, run, error);
  if (wait !== undefined) {
    const held = heldBackFor(participant, failed, wait);
    return {
      row: held,
      verdict: 'handled',
      parked: true,
      report: failureReport(bound, held, held, error),
    };
  }
  const policy = policyAfter(run === 'step' ? bound.retry : bound.undoRetry, error);
  const counted = { ...failed, attempts: row.attempts + 1 };
  const taken =
    ((isExhausted(policy, counted.attempts) || cannotHeal(error)) && givenUp(bound, counted)) ||
    again(participant, policy, counted);
  const parked = taken.row.dueIn !== undefined;
  return { ...taken, parked, report: failureReport(bound, row, taken.row, error) };
}

function postponed({ clock }: Participant, row: FenceRow, { reason, delay }: StepPostponed): FenceRow {
  const { times, since } = row.postponed ?? { times: 0, since: clock.now() };
  return { ...row, lastError: shortened(reason), dueIn: delay, postponed: { times: times + 1, since } };
}

/** A wrong answer, an event that its schema refuses, whatever the library says will fail again: more attempts would only make everybody wait. */
function cannotHeal(error: unknown): boolean {
  if (error instanceof OutcomeUnknown) return cannotHeal(error.cause);
  return error instanceof InvalidEventData || (error instanceof SagaError && error.facts.retriable === false);
}

/** What the failure says of the effect: nothing, or that this attempt surely had none. */
function learned({ bound, happening }: Delivery, row: FenceRow, error: unknown): FenceRow {
  if (error instanceof OutcomeUnknown) return known(bound, row, { type: 'outcomeUnknown' });
  return known(bound, row, {
    type: 'attemptFailed',
    attempt: happening.type === 'failed' ? happening.attempt : '',
  });
}

/** Another attempt was begun since, here or by a replica: this one's failure is charged to nobody. */
function isLate({ happening }: Delivery, row: FenceRow): boolean {
  return happening.type === 'failed' && row.undecided?.attempt !== happening.attempt;
}

function again({ chance }: Participant, policy: RetryPolicy, row: FenceRow): Taken {
  return { row: { ...row, dueIn: retryDelay(policy, row.attempts, chance.random()) }, verdict: 'handled' };
}

/** Nothing for a step that goes on: one that must be done, and one whose outcome somebody can be asked for. */
function givenUp(bound: BoundStep, row: FenceRow): Taken | undefined {
  const { dueIn: _due, ...waiting } = row;
  if (row.status === 'compensating') return deadLettered(bound, waiting);
  const { emit } = advance(bound.node, row, { type: 'attemptsExhausted' });
  if (emit === 'rejected') return conclude(bound, row, rejectedBy(bound.node, row.lastError ?? 'unknown'));
  if (bound.node.role === 'retriable' || bound.resolve) return undefined;
  return { row: waiting, verdict: 'handled' };
}

function deadLettered(bound: BoundStep, row: FenceRow): Taken {
  const { state, verdict, emit } = advance(bound.node, row, { type: 'undoExhausted' });
  return { row: { ...row, ...state }, verdict, ...(emit && { emit }) };
}
