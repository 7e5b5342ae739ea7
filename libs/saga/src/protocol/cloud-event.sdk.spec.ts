import { CloudEvent, Kafka, type KafkaMessage } from 'cloudevents';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode, opened } from './cloud-event.js';
import type { Envelope } from './envelope.js';
import { outcomes } from './outcome.js';
import type { WireMessage } from './wire.js';

// The official SDK is the other side of every test here: it reads what we write, and we read what it writes.

/** The attributes of an event as they are written, under their CloudEvents names. */
const attributesOf = (event: Envelope): Readonly<Record<string, unknown>> => opened(encode(event, 't')).attributes;

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const keyOfData = text.filter((name) => name !== '__proto__'); // no event has it

const anyEnvelope: fc.Arbitrary<Envelope> = fc.record(
  {
    id: text,
    type: text,
    source: fc.constantFrom('/assignment', '/notification', 'https://example.org/task'),
    time: fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') })
      .map((date) => date.toISOString()),
    sagaId: fc.uuid(),
    sagaType: text,
    sagaVersion: fc.integer({ min: 1, max: 1_000 }),
    step: text,
    outcome: fc.constantFrom(...outcomes),
    correlationId: text,
    partitionKey: text,
    graph: fc.constantFrom('1:0123456789abcdef', '2:of another algorithm'),
    causationId: text,
    traceparent: fc.constant('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
    branches: fc.dictionary(
      fc.constantFrom('reserve', 'pay'),
      fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/), { maxLength: 5 }),
    ),
    cause: fc.record({ step: text, reason: fc.string({ unit: 'grapheme' }) }),
    data: fc
      .dictionary(keyOfData, fc.jsonValue(), { maxKeys: 4 })
      .filter((data) => !JSON.stringify(data).includes('"__proto__"'))
      .map((data) => JSON.parse(JSON.stringify(data)) as object),
  },
  {
    requiredKeys: [
      'id',
      'type',
      'source',
      'time',
      'sagaId',
      'sagaType',
      'sagaVersion',
      'step',
      'outcome',
      'correlationId',
      'partitionKey',
      'data',
    ],
  },
);

describe('what we write', { timeout: 60_000 }, () => {
  test('the SDK reads, and finds to be valid', () => {
    fc.assert(
      fc.property(anyEnvelope, (envelope) => {
        const parsed = Kafka.toEvent(toSdk(encode(envelope, 't'))) as CloudEvent<object>;
        const { data, datacontenttype, ...attributes } = parsed.toJSON();
        expect(parsed.validate()).toBe(true);
        expect(datacontenttype).toBe('application/json');
        expect(data).toEqual(envelope.data);
        expect(present(attributes)).toEqual(attributesOf(envelope));
      }),
    );
  });

  test('the SDK reads in structured mode, written with our attributes', () => {
    fc.assert(
      fc.property(anyEnvelope, (envelope) => {
        const value = JSON.stringify({
          ...attributesOf(envelope),
          datacontenttype: 'application/json',
          data: envelope.data,
        });
        const headers = { 'content-type': 'application/cloudevents+json' };
        const parsed = Kafka.toEvent({
          headers,
          key: envelope.partitionKey,
          value,
          body: value,
        } as KafkaMessage<string>) as CloudEvent<object>;
        expect(parsed.validate()).toBe(true);
        expect(parsed.data).toEqual(envelope.data);
        expect(decode({ headers, value })).toEqual(envelope);
      }),
    );
  });
});

describe('what the SDK writes', { timeout: 60_000 }, () => {
  test.each(['binary', 'structured'] as const)('we read in %s mode', (mode) => {
    fc.assert(
      fc.property(anyEnvelope, (envelope) => {
        const event = new CloudEvent({
          ...attributesOf(envelope),
          datacontenttype: 'application/json',
          data: envelope.data,
        });
        expect(decode(onTheWire(Kafka[mode](event)))).toEqual(envelope);
      }),
    );
  });

  test('we read with its time in another zone, and its version as a number', () => {
    const event = new CloudEvent({
      ...attributesOf(fc.sample(anyEnvelope, { seed: 1, numRuns: 1 })[0]!),
      time: '2026-03-01T12:20:30+02:00',
      sagaversion: 3,
      data: {},
    });
    expect(decode(onTheWire(Kafka.structured(event) as KafkaMessage))).toMatchObject({
      sagaVersion: 3,
      time: '2026-03-01T10:20:30.000Z',
    });
    expect(decode(onTheWire(Kafka.binary(event)))).toMatchObject({
      sagaVersion: 3,
      time: '2026-03-01T12:20:30+02:00',
    });
  });
});

function toSdk({ key, headers, value }: WireMessage): KafkaMessage<string> {
  return { key, headers: { ...headers }, value, body: value };
}

/** What a producer makes of the SDK's message: headers without a value are not sent, everything is text. */
function onTheWire({ headers, value }: KafkaMessage): Pick<WireMessage, 'headers' | 'value'> {
  const sent = Object.entries(headers).flatMap(([name, header]) =>
    header === undefined ? [] : [[name, String(header)]],
  );
  return {
    headers: Object.fromEntries(sent) as Record<string, string>,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  };
}

function present(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
