import { eventFrom, eventType, type EventInstance } from '../../definition/domain-event.js';
import type { StepNode } from '../../definition/saga-definition.js';
import { SagaError, StepRejected } from '../../protocol/errors.js';
import type { StepOutcome } from '../../protocol/outcome.js';
import { rejectedBy } from '../attempt.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';
import { branchAt } from '../branch-steps.js';
import type { Delivery, Settled, StepResult } from '../delivery.js';
import { fitting } from '../fitting.js';
import { deadlineExceeded } from './give-up.js';
import type { Participant } from '../participant.js';

/**
 * Why a step does not wait yet. `sagaUnknown`: nothing of the saga has reached this service, or it is forgotten, or there is none. `notBegun`: the service knows the saga,
 * but not everything before the step is done, or the saga has no such branch. `notReady`: it has begun, and its method has not succeeded yet.
 */
export type WhyNotWaiting = 'sagaUnknown' | 'notBegun' | 'notReady';

/** What became of a signal: it decided the step, or it is told what did. */
export type SignalAnswer =
  /** `existing`: the same signal had been accepted before. */
  | { readonly accepted: true; readonly existing: boolean }
  /** The step has not begun to wait; ask again later. */
  | { readonly accepted: false; readonly because: 'notWaiting'; readonly why: WhyNotWaiting }
  /** `expired`: its deadline, or that of the saga, was first; `decided`: another signal, the method itself, or the end of the saga. */
  | { readonly accepted: false; readonly because: 'expired' | 'decided'; readonly outcome: StepOutcome };

/** An event for a step that waits for it. */
export interface StepSignal {
  readonly sagaId: string;
  readonly step: StepNode;
  /** Of a fan-out, the one that is meant. */
  readonly branch?: string;
  readonly event: object;
}

/** How a signal reaches its row, and where else is looked for its saga: both in the caller's transaction, where it joins one. */
export interface SignalWay {
  readonly submit: (delivery: Delivery) => Promise<Settled>;
  readonly rows: (sagaId: string) => Promise<readonly FenceRow[]>;
}

/**
 * Gives a waiting step its event.
 *
 * @throws SagaError `STEP_NOT_HERE` when another service owns the step, `INVALID_SIGNAL` when the event is none with which the step can end, or it is not
 * clear which branch is meant
 */
export async function signalStep(
  { steps, service, settings }: Pick<Participant, 'steps' | 'service' | 'settings'>,
  { submit, rows }: SignalWay,
  { sagaId, step, branch, event }: StepSignal,
): Promise<SignalAnswer> {
  const owned = steps.find({ name: step.saga, version: step.version }, step.name);
  if (!owned)
    throw new SagaError(
      'STEP_NOT_HERE',
      `Step "${step.name}" of saga "${step.saga}" is not a step of service "${service}"; signal it where its @SagaStep is.`,
      { sagaId, step: step.name, retriable: false },
    );
  const bound = meant(owned, sagaId, branch);
  const headers = {
    sagaId,
    sagaType: step.saga,
    sagaVersion: step.version,
    correlationId: sagaId,
    partitionKey: sagaId,
  };
  const answer = fitting(bound, answerOf(step, event, sagaId), settings.maxEventBytes);
  const settled = await submit({ sagaId, bound, headers, happening: { type: 'signaled', answer } });
  const { status } = settled.row;
  if (status !== 'none' && status !== 'running') return answered(settled);
  const known = status === 'none' ? await rows(sagaId) : [];
  return answered(settled, known.some((row) => row.headers.sagaType === step.saga) ? 'notBegun' : 'sagaUnknown');
}

/** Which branches a saga has, its rows know: one that it does not have is not waiting. */
function meant(bound: BoundStep, sagaId: string, branch: string | undefined): BoundStep {
  const { name, saga, each } = bound.node;
  const place = each ? branch !== undefined && branchAt(bound, bound.saga, branch) : branch === undefined && bound;
  if (place) return place;
  const said = each
    ? 'runs once for each branch; say which one the signal is for: { branch }'
    : `has no branches, so not ${JSON.stringify(branch)} either; leave the branch out`;
  throw new SagaError('INVALID_SIGNAL', `Step "${name}" of saga "${saga}" ${said}.`, {
    sagaId,
    step: name,
    retriable: false,
  });
}

function answerOf(step: StepNode, event: object, sagaId: string): StepResult {
  if (step.awaits === undefined)
    throw new SagaError(
      'INVALID_SIGNAL',
      `Step "${step.name}" of saga "${step.saga}" awaits no signal: its method decides it. Signal a step that is declared with awaits: 'signal'.`,
      { sagaId, step: step.name, retriable: false },
    );
  const mayReject = step.role !== 'retriable';
  if (mayReject && event instanceof StepRejected) return rejectedBy(step, event.reason);
  const type = isEvent(event) ? event[eventType] : undefined;
  const { done, rejected } = step.events;
  const eventClass = [done, ...(mayReject ? [rejected] : [])].find((candidate) => candidate.type === type);
  if (eventClass)
    return {
      type: eventClass === done ? 'effectRecorded' : 'rejected',
      event: { type: eventClass.type, data: eventFrom(eventClass, event) },
    };
  const wanted = mayReject ? `a ${done.type}, a ${rejected.type} or a StepRejected` : `a ${done.type}`;
  throw new SagaError(
    'INVALID_SIGNAL',
    `Step "${step.name}" of saga "${step.saga}" cannot end with ${type ?? 'what is no event'}; signal ${wanted}.`,
    { sagaId, step: step.name, retriable: false },
  );
}

function isEvent(event: unknown): event is EventInstance {
  return typeof event === 'object' && event !== null && eventType in event;
}

function answered({ verdict, row }: Settled, unbegun: WhyNotWaiting = 'notBegun'): SignalAnswer {
  if (verdict === 'handled' || verdict === 'duplicate') return { accepted: true, existing: verdict === 'duplicate' };
  const { status, result } = row;
  switch (status) {
    case 'none':
      return { accepted: false, because: 'notWaiting', why: unbegun };
    case 'running':
      return { accepted: false, because: 'notWaiting', why: 'notReady' };
    case 'rejected': {
      const reason = result && 'reason' in result.data ? result.data.reason : undefined;
      return { accepted: false, because: reason === deadlineExceeded ? 'expired' : 'decided', outcome: 'rejected' };
    }
    case 'cancelled':
    case 'compensated':
      return { accepted: false, because: 'decided', outcome: status };
    default:
      return { accepted: false, because: 'decided', outcome: 'done' };
  }
}
