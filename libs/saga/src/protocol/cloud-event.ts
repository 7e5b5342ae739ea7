import type { Envelope } from './envelope.js';
import { misread, unportable } from './portable.js';
import { attributeNames, envelopeFrom, headersOf, PoisonRecord, type WireMessage } from './wire.js';

/** A saga event as a CloudEvents 1.0 record in the binary mode of the Kafka protocol binding. */
export function encode(event: Envelope, topic: string): WireMessage {
  return { topic, key: event.partitionKey, headers: headersOf(event), value: JSON.stringify(event.data) };
}

/** What a record carries: the attributes of its CloudEvent, none when it is no CloudEvent, and its data. */
export interface OpenedRecord {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** @throws PoisonRecord when the value is no JSON, or none that every participant can read and keep */
  readonly data: () => unknown;
}

/**
 * Opens a record in binary or structured mode; header names in any case.
 *
 * @throws PoisonRecord when it is to be a structured CloudEvent and is none
 */
export function opened(record: Pick<WireMessage, 'headers' | 'value'>): OpenedRecord {
  const attributes: Record<string, string> = {};
  let contentType = '';
  for (const name of Object.keys(record.headers)) {
    const attribute = attributeOf(name);
    if (attribute !== undefined) attributes[attribute] = record.headers[name]!;
    else if (name.toLowerCase() === 'content-type') contentType = record.headers[name]!.toLowerCase();
  }
  if (contentType.startsWith('application/cloudevents+json')) {
    const { data, ...structured } = object(parsed(record.value));
    return { attributes: structured, data: () => data };
  }
  return { attributes, data: () => parsed(record.value) };
}

function attributeOf(header: string): string | undefined {
  const known = attributeByHeader.get(header);
  if (known !== undefined) return known;
  const name = header.toLowerCase();
  return name.startsWith('ce_') ? name.slice(3) : undefined;
}

/** Looking a name up is cheaper than making it for every header of every record. */
const attributeByHeader = new Map(attributeNames.map((name) => [`ce_${name}`, name]));

/**
 * The saga event of a record.
 *
 * @throws PoisonRecord naming what is missing or wrong
 */
export function decode(record: Pick<WireMessage, 'headers' | 'value'>): Envelope {
  const { attributes, data } = opened(record);
  return envelopeFrom(attributes, data());
}

function parsed(value: string): unknown {
  const body = json(value);
  const why = misread(value) ?? unportable(body);
  if (why !== undefined) throw new PoisonRecord(`its value ${why}`);
  return body;
}

function json(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    throw new PoisonRecord('its value is no JSON');
  }
}

function object(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new PoisonRecord('its value is no CloudEvent');
  return body as Record<string, unknown>;
}
