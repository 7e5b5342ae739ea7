import { eventFrom, type EventInstance } from '../definition/domain-event.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import { opened, type OpenedRecord } from '../protocol/cloud-event.js';
import { unfitBranches } from '../protocol/branches.js';
import { expanded } from '../protocol/expanded.js';
import { eventClassOf, type Envelope } from '../protocol/envelope.js';
import { isClosing } from '../protocol/outcome.js';
import { reasonOf, shortened } from '../protocol/reason.js';
import { reactionsTo } from '../protocol/reactions.js';
import type { Signal } from '../protocol/step-state.js';
import { envelopeFrom, outcomeNamed, PoisonRecord, wordOf } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import type { Audience, BoundStep } from './bound-step.js';
import type { BoundSteps } from './bound-steps.js';
import type { Delivery } from './delivery.js';
import type { Fleet } from './fleet/fleet.js';
import { refuseUnknownVersion } from './versions/unknown-version.js';

/**
 * The saga event of a record, checked against the definition that this service has of its saga.
 *
 * @returns nothing when it concerns none of this service's steps or listeners
 * @throws PoisonRecord when the record is no saga event, or one that its definition does not know; UnknownVersion when the definition is not here
 */
export function sagaEventOf(
  steps: BoundSteps,
  audience: Audience,
  record: IncomingRecord,
  fleet?: Fleet,
): { event: Envelope; instance: EventInstance | undefined; saga: SagaGraph } | undefined {
  if (concernsNobody(steps, audience, asWeWrite(record), fleet)) return undefined;
  const { attributes, data } = opened(record);
  if (concernsNobody(steps, audience, attributes, fleet)) return undefined;
  refuseUnknownVersion(steps, audience, attributes, fleet);
  const event = envelopeFrom(attributes, data());
  const definition = steps.saga(event.sagaType, event.sagaVersion);
  if (!definition) return undefined;
  const odd = unfitBranches(definition, event);
  if (odd !== undefined) throw new PoisonRecord(odd);
  const saga = expanded(definition, event.branches);
  const instance = instanceOf(saga, event);
  return { event: { ...event, data: instance ?? event.data }, instance, saga };
}

/** Most records of a saga's topic are events that other services wait for: told from their headers, before anything is parsed, and those that we wrote before they are even opened. */
function concernsNobody(
  steps: BoundSteps,
  audience: Audience,
  attributes: OpenedRecord['attributes'],
  fleet: Fleet | undefined,
): boolean {
  const { sagatype, sagaversion, sagagraph, sagastep } = attributes;
  const step = wordOf(sagastep);
  const saga = steps.saga(wordOf(sagatype), wordOf(sagaversion));
  if (steps.otherGraph(wordOf(sagatype), wordOf(sagaversion), wordOf(sagagraph)))
    return !steps.takesPart(audience, wordOf(sagatype));
  const outcome = outcomeNamed(attributes['sagaoutcome']);
  if (saga?.steps[step] === undefined || saga.fanOuts.length > 0 || outcome === undefined) return false;
  if (steps.areConcerned(audience, saga, { step, outcome })) return false;
  return !fleet || fleet.wantedByOthers(audience, saga, { step, outcome }).length === 0;
}

/** What tells whom a record concerns, where it has the very headers that we write. */
function asWeWrite({ headers }: IncomingRecord): OpenedRecord['attributes'] {
  if (headers['content-type'] !== 'application/json') return {};
  return {
    sagatype: headers['ce_sagatype'],
    sagaversion: headers['ce_sagaversion'],
    sagagraph: headers['ce_sagagraph'],
    sagastep: headers['ce_sagastep'],
    sagaoutcome: headers['ce_sagaoutcome'],
  };
}

/** What an event means to this service's steps or listeners. */
export function deliveriesOf(
  steps: BoundSteps,
  audience: Audience,
  event: Envelope,
  instance?: EventInstance,
): readonly Delivery[] {
  const saga = expanded(steps.saga(event.sagaType, event.sagaVersion)!, event.branches);
  if (audience === 'listeners') {
    return steps
      .listeners(saga, event.step, event.outcome)
      .map((bound) => delivery(bound, event, { type: 'predecessorDone', step: event.step }, instance));
  }
  const reactions = reactionsTo(saga, event).flatMap(({ step, signal }) => {
    const bound = steps.in(saga, step);
    return bound ? [delivery(bound, event, signal, instance)] : [];
  });
  const gate = event.parent && steps.concernedByDeadLetter(saga, event);
  return [
    ...reactions,
    ...steps.concernedByCommit(saga, event).map((bound) => commitOf(bound, event)),
    ...(gate ? [deadLetterOf(gate, event)] : []),
  ];
}

function deadLetterOf(bound: BoundStep, event: Envelope): Delivery {
  const { sagaId, sagaType, step, data } = event;
  const error = 'compensation_error' in data ? `: ${String(data.compensation_error)}` : '';
  const reason = `step "${step}" of the nested saga "${sagaType}" ${sagaId} cannot be undone${error}`;
  return { sagaId, bound, headers: headersOf(event), happening: { type: 'nestedDeadLetter', reason } };
}

function commitOf(bound: BoundStep, event: Envelope): Delivery {
  return { sagaId: event.sagaId, bound, headers: headersOf(event), happening: { type: 'committed' } };
}

function delivery(bound: BoundStep, event: Envelope, signal: Signal, instance?: EventInstance): Delivery {
  const { id, type, data } = event;
  const cause =
    event.cause ?? (isClosing(event.outcome) || event.outcome === 'abortRequested' ? causeOf(event) : undefined);
  const kept = signal.type === 'predecessorDone' || signal.type === 'successorClosed';
  const input = kept && event.outcome !== 'skipped' && { from: event.step, event: { type, data }, instance };
  return {
    sagaId: event.sagaId,
    bound,
    headers: headersOf(event),
    happening: { type: 'signal', signal, causationId: id, ...(cause && { cause }), ...(input && { input }) },
  };
}

function causeOf(event: Envelope): { readonly step: string; readonly reason: string } {
  const reason = 'reason' in event.data ? event.data.reason : undefined;
  return { step: event.step, reason: typeof reason === 'string' ? shortened(reason) : event.type };
}

function headersOf({
  sagaId,
  sagaType,
  sagaVersion,
  graph,
  correlationId,
  partitionKey,
  branches,
  traceparent,
  parent,
}: Envelope): Delivery['headers'] {
  return {
    sagaId,
    sagaType,
    sagaVersion,
    correlationId,
    partitionKey,
    ...(graph !== undefined && { graph }),
    ...(branches && { branches }),
    ...(traceparent !== undefined && { traceparent }),
    ...(parent && { parent }),
  };
}

function instanceOf(saga: SagaGraph, event: Envelope): EventInstance | undefined {
  if (event.outcome === 'deadLettered' || event.outcome === 'abortRequested') return undefined;
  const eventClass = eventClassOf(saga, event);
  if (!eventClass) {
    throw new PoisonRecord(
      `"${event.type}" is not how step "${event.step}" of saga "${saga.name}" says ${event.outcome}`,
    );
  }
  try {
    return eventFrom(eventClass, event.data);
  } catch (error) {
    throw new PoisonRecord(reasonOf(error));
  }
}
