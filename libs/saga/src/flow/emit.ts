import { eventFrom } from '../definition/domain-event.js';
import { compensationFailed, messageId, type Cause, type Envelope } from '../protocol/envelope.js';
import { shortened } from '../protocol/reason.js';
import type { Advance } from '../protocol/step-state.js';
import type { FenceRow, StoredEvent } from '../ports/fence-row.js';
import type { BoundStep } from './bound-step.js';
import type { Draft } from './draft.js';
import type { Participant } from './participant.js';

type Emitted = NonNullable<Advance['emit']>;

/** The event that a row's change makes known, as it goes to the outbox. A listener makes nothing known. */
export function emission(
  participant: Participant,
  bound: BoundStep,
  row: FenceRow,
  outcome: Emitted,
  event?: StoredEvent,
): Envelope | undefined {
  if (bound.hears) return undefined;
  const cause = outcome === 'done' || outcome === 'skipped' ? undefined : (row.cause ?? causeOf(row, event));
  const { type, data } = event ?? libraryEvent(participant, bound, row, outcome, cause);
  const { sagaId, sagaType, sagaVersion, graph, correlationId, partitionKey, branches, traceparent, parent } =
    row.headers;
  const emitted: Draft<Envelope> = {
    sagaId,
    sagaType,
    sagaVersion,
    correlationId,
    partitionKey: outcome === 'deadLettered' ? row.sagaId : partitionKey,
    id: messageId(row.sagaId, row.step, outcome, row.operated?.redriven),
    type,
    source: `/${participant.service}`,
    time: participant.clock.now().toISOString(),
    step: row.step,
    outcome,
    data,
  };
  if (graph !== undefined) emitted.graph = graph;
  if (branches) emitted.branches = branches;
  if (traceparent !== undefined) emitted.traceparent = traceparent;
  if (parent) emitted.parent = parent;
  if (row.causationId !== undefined) emitted.causationId = row.causationId;
  if (cause) emitted.cause = cause;
  if (outcome === 'compensated' && row.operated?.verb === 'waive') emitted.waivedBy = row.operated.actor;
  return emitted;
}

/** A rejection is itself the cause of the closing; its reason is the event's own, where it has one. */
function causeOf(row: FenceRow, event: StoredEvent | undefined): Cause {
  const reason = event && 'reason' in event.data ? event.data.reason : undefined;
  return { step: row.step, reason: typeof reason === 'string' ? shortened(reason) : (event?.type ?? 'unknown') };
}

/** Events that no method of the user's makes: a step cancelled, a compensation that needs a person. */
function libraryEvent(
  participant: Participant,
  bound: BoundStep,
  row: FenceRow,
  outcome: Emitted,
  cause: Cause | undefined,
): { readonly type: string; readonly data: object } {
  if (outcome === 'deadLettered') {
    return { type: compensationFailed, data: deadLetter(participant, row) };
  }
  const closing = { failedStep: cause?.step ?? row.step, reason: cause?.reason ?? 'unknown' };
  const eventClass = outcome === 'cancelled' ? bound.node.events.cancelled : bound.node.events.defaults.compensated;
  return { type: eventClass.type, data: eventFrom(eventClass, closing) };
}

/** The whole event that asked for the undo, and what a person needs to know to see to it. */
function deadLetter({ service, clock }: Participant, row: FenceRow): object {
  const asked = row.inputs[row.successorsClosed.at(-1) ?? ''];
  const now = clock.now();
  return {
    ...asked?.data,
    event_type: asked?.type,
    saga_id: row.sagaId,
    correlation_id: row.headers.correlationId,
    step: row.step,
    owner: service,
    attempts: row.attempts,
    first_failed_at: (row.failingSince ?? now).toISOString(),
    last_failed_at: now.toISOString(),
    compensation_error: row.lastError ?? '',
    requires_manual_intervention: true,
  };
}

/** For the log, of an effect that came too late to be one. */
export function lateEffectLine(row: FenceRow): string {
  return `Step "${row.step}" of saga ${row.sagaId} had its effect after it was ${row.status}: undo it by hand and find out who closed it.`;
}
