import type { EventClass, EventInstance } from '../definition/domain-event.js';
import { outsideEventFrom } from '../definition/outside-data.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import { opened, type OpenedRecord } from '../protocol/cloud-event.js';
import { reasonOf } from '../protocol/reason.js';
import { attributeText, PoisonRecord } from '../protocol/wire.js';
import type { IncomingRecord } from '../ports/transport.js';
import type { Participant } from './participant.js';
import type { startFromEvent } from './start.js';

export interface OutsideStart {
  readonly saga: SagaGraph;
  readonly event: Parameters<typeof startFromEvent>[3];
}

/**
 * The sagas that a record starts in this service: all whose definition names its event. A CloudEvent (binary or structured) is known by its
 * type, another record by its topic.
 *
 * @throws PoisonRecord when it would start one, but its data is not the event's or its redelivery could not be told
 */
export function outsideStarts(participant: Participant, record: IncomingRecord): readonly OutsideStart[] {
  const candidates = participant.steps.outsideSources;
  if (candidates.length === 0) return [];
  const { attributes, data } = opened(record);
  const named = candidates.filter(({ on }) =>
    attributes['type'] === undefined
      ? record.origin.topic === participant.topics.outside(on.type)
      : attributes['type'] === on.type,
  );
  if (named.length === 0) return [];
  const correlationId = attributeText(attributes, 'correlationid');
  const causationId = attributeText(attributes, 'id');
  const rest = {
    key: keyOf(attributes, record),
    ...(correlationId !== undefined && { correlationId }),
    ...(causationId !== undefined && { causationId }),
  };
  const value = data();
  return named.map(({ saga, on }) => ({ saga, event: { ...rest, instance: instanceOf(on, value) } }));
}

/** An event of a saga may start another saga as well. */
export function isSagaEvent(record: IncomingRecord): boolean {
  return opened(record).attributes['sagaid'] !== undefined;
}

/** A CloudEvent is known by source and id, another record by its key: a redelivery starts nothing. */
function keyOf(attributes: OpenedRecord['attributes'], { key }: IncomingRecord): string {
  const id = attributeText(attributes, 'id');
  if (id !== undefined) return `${attributeText(attributes, 'source') ?? ''}:${id}`;
  if (key !== '') return key.replaceAll(/\p{Cs}/gu, '\uFFFD'); // as a broker would carry it
  throw new PoisonRecord(
    'it starts a saga, but has neither a CloudEvents id nor a key, so its redelivery could not be told',
  );
}

function instanceOf(eventClass: EventClass, data: unknown): EventInstance {
  try {
    return outsideEventFrom(eventClass, data);
  } catch (error) {
    throw new PoisonRecord(reasonOf(error));
  }
}
