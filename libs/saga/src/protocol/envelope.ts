import type { EventClass } from '../definition/domain-event.js';
import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { Parent } from './parent.js';
import type { Branches } from './branches.js';
import type { Outcome } from './outcome.js';

/** Why a saga closes: the step that began it and its reason. Travels with every closing event, so the source can name both. */
export interface Cause {
  readonly step: string;
  readonly reason: string;
}

/** What all events of one saga share. */
export interface SagaHeaders {
  readonly sagaId: string;
  readonly sagaType: string;
  readonly sagaVersion: number;
  /** The fingerprint of the graph that the saga began with; absent where a release before fingerprints, or another producer, made the event. */
  readonly graph?: string;
  /** One outside request; may span sagas. */
  readonly correlationId: string;
  /** Keys the records; the saga id unless the definition names a business key. */
  readonly partitionKey: string;
  /** The branches of the saga's fan-outs, from the moment when its source is done. */
  readonly branches?: Branches;
  /** W3C trace context of the request that started the saga. */
  readonly traceparent?: string;
  /** The step of another saga that this saga is. */
  readonly parent?: Parent;
}

/** A saga event with all that travels beside its data. */
export interface Envelope extends SagaHeaders {
  readonly id: string;
  readonly type: string;
  /** The service that emitted it, as `/assignment`. */
  readonly source: string;
  /** When the event was made, RFC 3339 in UTC. */
  readonly time: string;
  readonly step: string;
  readonly outcome: Outcome;
  /** The id of the event that directly caused this one; absent on the saga's first. */
  readonly causationId?: string;
  readonly cause?: Cause;
  /** An operator accepted that the step's effect stays: the step counts as compensated, and is a debt. */
  readonly waivedBy?: string;
  readonly data: object;
}

/**
 * Derived, so that a second publish is recognizably the same event.
 *
 * @param redriven how often an operator redrove the step: its next dead letter is another event
 */
export function messageId(sagaId: string, step: string, outcome: Outcome, redriven = 0): string {
  const id = `${sagaId}:${step}:${outcome}`;
  return outcome === 'deadLettered' && redriven > 0 ? `${id}:${redriven + 1}` : id;
}

/** The topic and type of a compensation that needs a person. */
export const compensationFailed = 'saga.compensation.failed';

/** The type of a request to abort. */
export const abortRequested = 'saga.abort.requested';

/**
 * The class of an event by saga, step and outcome; the type tells a default class from the declared one.
 * `undefined` for an event that has no class of the user's: a dead letter, a request to abort, an unknown step.
 */
export function eventClassOf(
  saga: SagaGraph,
  event: Pick<Envelope, 'step' | 'outcome' | 'type'>,
): EventClass | undefined {
  const step = saga.steps[event.step];
  return step && classesOf(step, event.outcome).find((candidate) => candidate.type === event.type);
}

function classesOf(step: StepNode, outcome: Outcome): readonly EventClass[] {
  switch (outcome) {
    case 'done':
      return [step.events.done];
    case 'rejected':
      return [step.events.rejected, step.events.defaults.rejected];
    case 'compensated':
      return [step.events.compensated, step.events.defaults.compensated];
    case 'cancelled':
      return [step.events.cancelled];
    case 'skipped':
      return step.events.skipped ? [step.events.skipped] : [];
    default:
      return [];
  }
}
