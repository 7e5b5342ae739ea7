import { randomUUID } from 'node:crypto';
import { eventFrom, type EventClass, type SagaGraph } from '../../../libs/saga/src/definition/index.js';
import type { IncomingRecord } from '../../../libs/saga/src/ports/transport.js';
import { encode } from '../../../libs/saga/src/protocol/cloud-event.js';
import { messageId, type Envelope } from '../../../libs/saga/src/protocol/envelope.js';
import type { Outcome } from '../../../libs/saga/src/protocol/outcome.js';
import type { WireMessage } from '../../../libs/saga/src/protocol/wire.js';

let offset = 0;

/** A message as a consumer is given it. */
export function received({ topic, key, headers, value }: WireMessage): IncomingRecord {
  offset += 1;
  return { key, headers, value, raw: Buffer.from(value), origin: { topic, partition: 0, offset: String(offset) } };
}

/** The record of a saga event, as the service that owns the step would publish it. */
export function eventRecord(
  saga: SagaGraph,
  step: string,
  outcome: Outcome,
  data: object = { bookingId: 'b-1' },
  more: Partial<Envelope> = {},
): IncomingRecord {
  const sagaId = more.sagaId ?? randomUUID();
  const eventClass = classOf(saga, step, outcome);
  const event: Envelope = {
    id: messageId(sagaId, step, outcome),
    type: eventClass?.type ?? `saga.${outcome}`,
    source: '/elsewhere',
    time: '2026-03-01T00:00:00.000Z',
    sagaId,
    sagaType: saga.name,
    sagaVersion: saga.version,
    step,
    outcome,
    correlationId: sagaId,
    partitionKey: sagaId,
    data: eventClass ? eventFrom(eventClass, data) : data,
    ...more,
  };
  return received(encode(event, `saga.${saga.name}`));
}

function classOf(saga: SagaGraph, step: string, outcome: Outcome): EventClass | undefined {
  const events = saga.steps[step]?.events;
  if (!events || outcome === 'deadLettered' || outcome === 'abortRequested') return undefined;
  return events[outcome];
}

/** As many saga ids as asked for, in the order in which they sort. */
export function sagaIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `00000000-0000-4000-8000-${String(index + 1).padStart(12, '0')}`);
}
