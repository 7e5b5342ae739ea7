import { eventFrom, type EventClass } from '../definition/domain-event.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import type { Envelope } from '../protocol/envelope.js';
import { PoisonRecord } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import { bury } from './dead-letter.js';
import type { Delivery, Settled } from './delivery.js';
import { deliveriesOf, sagaEventOf, type Audience } from './intake.js';
import type { Participant } from './participant.js';
import { startFromEvent } from './start.js';

type Submit = (delivery: Delivery) => Promise<Settled>;

/**
 * Takes the records of a batch: each is a saga event for this service's steps, the outside event that starts a saga, or poison.
 * Resolves when all of it is durable. Rejects when something could not be settled or put away: then the whole batch
 * comes again, and what was settled is recognized.
 */
export async function receive(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  records: readonly IncomingRecord[],
): Promise<void> {
  const endings = await Promise.allSettled(records.map((record) => receiveOne(participant, submit, audience, record)));
  const failed = endings.find((ending) => ending.status === 'rejected');
  if (failed) throw failed.reason;
}

async function receiveOne(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
): Promise<void> {
  try {
    const started = audience === 'steps' && (await startedBy(participant, submit, record));
    if (!started || isSagaEvent(record)) await receiveSagaEvent(participant, submit, audience, record);
  } catch (error) {
    if (!(error instanceof PoisonRecord)) throw error;
    await bury(participant, audience, record, error);
  }
}

async function receiveSagaEvent(
  participant: Participant,
  submit: Submit,
  audience: Audience,
  record: IncomingRecord,
): Promise<void> {
  const known = sagaEventOf(participant.steps, record);
  const deliveries = known ? deliveriesOf(participant.steps, audience, known.event, known.instance) : [];
  if (!known || deliveries.length === 0) return participant.tally.count('ignored');
  const settled = await Promise.all(deliveries.map(submit));
  const taken = settled.some(({ verdict }) => verdict === 'handled' || verdict === 'retried');
  if (taken && isNews(participant, audience, known.event)) participant.mirror(known.event);
}

/** An event of a saga may start another saga as well. */
function isSagaEvent({ headers }: IncomingRecord): boolean {
  return headers['ce_sagaid'] !== undefined;
}

/** Each event is mirrored once in a service: its own when it emits them, another's when its steps take it, or its listeners where no step does. */
function isNews(participant: Participant, audience: Audience, event: Envelope): boolean {
  if (event.source === `/${participant.service}`) return false;
  return audience === 'steps' || deliveriesOf(participant.steps, 'steps', event).length === 0;
}

/** Starts every saga whose definition names the event. */
async function startedBy(participant: Participant, submit: Submit, record: IncomingRecord): Promise<boolean> {
  const sagas = [...participant.steps.sagas.values()].filter((saga) => startsWith(participant, saga, record));
  const causationId = record.headers['ce_id'];
  const starts = sagas.map((saga) => ({
    saga,
    event: {
      key: outsideKey(record),
      instance: parsed(saga.steps[saga.source]!.on!, record),
      ...(record.headers['ce_correlationid'] !== undefined && { correlationId: record.headers['ce_correlationid'] }),
      ...(causationId !== undefined && { causationId }),
    },
  }));
  await Promise.all(starts.map(({ saga, event }) => startFromEvent(participant, submit, saga, event)));
  return starts.length > 0;
}

function startsWith(participant: Participant, saga: SagaGraph, { headers, origin }: IncomingRecord): boolean {
  const on = saga.steps[saga.source]!.on;
  if (!on || !participant.steps.find(saga.name, saga.source)) return false;
  return headers['ce_type'] === undefined
    ? origin.topic === participant.topics.outside(on.type)
    : headers['ce_type'] === on.type;
}

/** A CloudEvent is known by source and id, another record by its key: a redelivery starts nothing. */
function outsideKey({ headers, key }: IncomingRecord): string {
  const { ce_id: id, ce_source: source } = headers;
  if (id !== undefined) return `${source ?? ''}:${id}`;
  if (key === '')
    throw new PoisonRecord(
      'it starts a saga, but has neither a CloudEvents id nor a key, so its redelivery could not be told',
    );
  return key;
}

function parsed(eventClass: EventClass, { value }: IncomingRecord): ReturnType<typeof eventFrom> {
  try {
    return eventFrom(eventClass, JSON.parse(value) as unknown);
  } catch (error) {
    throw new PoisonRecord(error instanceof Error ? error.message : String(error));
  }
}
