import type { EventClass, EventInstance } from '../definition/domain-event.js';
import { outsideEventFrom } from '../definition/outside-data.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import { opened } from '../protocol/cloud-event.js';
import { StepPostponed } from '../protocol/errors.js';
import { reasonOf } from '../protocol/reason.js';
import { attributeText, PoisonRecord } from '../protocol/wire.js';
import { eventTypesOf } from '../protocol/topics.js';
import type { IncomingRecord } from '../ports/transport.js';
import type { OutsideSource } from './bound-steps.js';
import { identityOf } from './outside-identity.js';
import { lookOfBytes, lookOfData } from './outside-look.js';
import { outsideRecord, type OutsideOptions } from './outside-record.js';
import type { Participant } from './participant.js';
import type { OutsideEvent } from './start-from-event.js';

export interface OutsideStart {
  readonly saga: SagaGraph;
  readonly event: OutsideEvent;
}

type Ground = Pick<Participant, 'steps' | 'topics' | 'outside' | 'logger'>;

/**
 * The sagas that a record starts in this service: all whose definition names its event. A CloudEvent (binary or structured) is known by its
 * type, another record by its topic.
 *
 * @throws PoisonRecord when it is to be a structured CloudEvent and is none
 */
export function outsideSourcesOf({ steps, topics }: Ground, record: IncomingRecord): readonly OutsideSource[] {
  const candidates = steps.outsideSources;
  if (candidates.length === 0) return [];
  const { type } = opened(record).attributes;
  return candidates.filter(({ on }) =>
    type === undefined ? record.origin.topic === topics.outside(on.type) : type === on.type,
  );
}

/**
 * Whether a record on the topic of an outside event is an event of somebody else's, which has nothing to do with sagas: other kinds of events may share
 * the topic, and the group of a service's listeners reads it, too.
 */
export function isNoneOfOurs({ steps, topics }: Ground, record: IncomingRecord): boolean {
  const isOutside = steps.outsideSources.some(({ on }) => record.origin.topic === topics.outside(on.type));
  if (!isOutside || isSagaEvent(record)) return false;
  const { type } = opened(record).attributes;
  const known = steps.sagas.flatMap((saga) => eventTypesOf(saga));
  return type === undefined || !known.some((own) => own === type);
}

/** An event of a saga may start another saga as well. */
export function isSagaEvent(record: IncomingRecord): boolean {
  return opened(record).attributes['sagaid'] !== undefined;
}

/**
 * What a record starts the sagas with. None: it says that something is gone (a tombstone), or the application's `decode` makes nothing of it.
 *
 * @throws PoisonRecord when its data is not the event's, or its redelivery could not be told; `StepPostponed` when `decode` says that it cannot do so now
 */
export async function outsideStarts(
  ground: Ground,
  record: IncomingRecord,
  sources: readonly OutsideSource[],
): Promise<readonly OutsideStart[]> {
  const { topic } = record.origin;
  if (record.raw.length === 0) {
    const line = `Records of topic "${topic}" without a value (tombstones) start nothing; they are counted as ignored.`;
    ground.outside.once(`tombstone ${topic}`, () => ground.logger.log(line));
    return [];
  }
  const events = new Map<string, OutsideEvent | undefined>();
  for (const { on } of sources) if (!events.has(on.type)) events.set(on.type, await eventOf(ground, record, on));
  return sources.flatMap(({ saga, on }) => {
    const event = events.get(on.type);
    return event ? [{ saga, event }] : [];
  });
}

async function eventOf(
  { outside, logger }: Ground,
  record: IncomingRecord,
  on: EventClass,
): Promise<OutsideEvent | undefined> {
  const { attributes, data } = opened(record);
  const options = outside.of(on.type);
  const given = options.decode ? await decoded(options.decode, record, on.type) : read(record, data, on.type);
  if (options.decode && (given === undefined || given === null)) {
    const line = `Of some records of topic "${record.origin.topic}" outside["${on.type}"].decode makes nothing; they are counted as ignored.`;
    outside.once(`undecoded ${on.type}`, () => logger.log(line));
    return undefined;
  }
  const { name, isPlace } = identityOf(attributes, { record, data: given, options });
  if (isPlace) {
    const line = `Records of event "${on.type}" have no CloudEvents id: each starts a saga of its own, told by its topic, partition and offset. If its producer may send one twice, say what identifies it: outside: { '${on.type}': { identity } }.`;
    outside.once(`placed ${on.type}`, () => logger.log(line));
  }
  const correlationId = attributeText(attributes, 'correlationid');
  const causationId = attributeText(attributes, 'id');
  const keyed = causationId === undefined && isFromBefore(record, outside.keyedUntil);
  return {
    identity: name,
    instance: instanceOf(on, given, options),
    ...(keyed && record.key !== '' && { keyedBefore: keyedBefore(record) }),
    ...(correlationId !== undefined && { correlationId }),
    ...(causationId !== undefined && { causationId }),
  };
}

function isFromBefore({ origin }: IncomingRecord, until: number | undefined): boolean {
  return until !== undefined && origin.stamp !== undefined && Number(origin.stamp) < until;
}

/** What an older version knew the record by. */
function keyedBefore({ key, origin }: IncomingRecord): OutsideEvent['keyedBefore'] {
  return { key: key.replaceAll(/\p{Cs}/gu, '\uFFFD'), writtenAt: Number(origin.stamp) };
}

async function decoded(
  decode: NonNullable<OutsideOptions['decode']>,
  record: IncomingRecord,
  type: string,
): Promise<unknown> {
  try {
    return await decode(outsideRecord(record));
  } catch (error) {
    if (error instanceof StepPostponed) throw error;
    throw new PoisonRecord(`outside["${type}"].decode threw: ${reasonOf(error)}`);
  }
}

function read(record: IncomingRecord, data: () => unknown, type: string): unknown {
  try {
    return data();
  } catch (error) {
    throw hinted(error, lookOfBytes(record), type);
  }
}

function instanceOf(eventClass: EventClass, data: unknown, { decode }: OutsideOptions): EventInstance {
  try {
    return outsideEventFrom(eventClass, data);
  } catch (error) {
    throw hinted(error, decode ? undefined : lookOfData(data), eventClass.type);
  }
}

/** Whoever finds the letter is told what the value looks like, and where to say how it is read. */
function hinted(error: unknown, look: string | undefined, type: string): PoisonRecord {
  const reason = error instanceof PoisonRecord ? error.reason : reasonOf(error);
  if (look === undefined) return new PoisonRecord(reason);
  return new PoisonRecord(
    `it looks like ${look}; say how it is read with outside: { '${type}': { decode } } in SagaModule.forRoot, then redrive it (${reason})`,
  );
}
