import type { Envelope } from '../protocol/envelope.js';
import { PoisonRecord } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import { bury } from './dead-letter.js';
import type { Delivery, Settled } from './delivery.js';
import { deliveriesOf, sagaEventOf, type Audience } from './intake.js';
import { isSagaEvent, outsideStarts } from './outside-event.js';
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

/** Each event is mirrored once in a service: its own when it emits them, another's when its steps take it, or its listeners where no step does. */
function isNews(participant: Participant, audience: Audience, event: Envelope): boolean {
  if (event.source === `/${participant.service}`) return false;
  return audience === 'steps' || deliveriesOf(participant.steps, 'steps', event).length === 0;
}

/** Starts every saga whose definition names the event. */
async function startedBy(participant: Participant, submit: Submit, record: IncomingRecord): Promise<boolean> {
  const starts = outsideStarts(participant, record);
  await Promise.all(starts.map(({ saga, event }) => startFromEvent(participant, submit, saga, event)));
  return starts.length > 0;
}
