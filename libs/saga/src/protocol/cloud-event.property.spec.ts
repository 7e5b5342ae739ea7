import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode, encode } from './cloud-event.js';
import type { Envelope } from './envelope.js';
import { outcomes } from './outcome.js';
import { attributeNames, PoisonRecord } from './wire.js';

const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
const anyEnvelope: fc.Arbitrary<Envelope> = fc.record(
  {
    id: anyText,
    type: anyText,
    source: anyText,
    time: fc
      .date({ noInvalidDate: true, min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31') })
      .map((date) => date.toISOString()),
    sagaId: fc.uuid(),
    sagaType: anyText,
    sagaVersion: fc.integer({ min: 1, max: 999_999_999 }),
    step: anyText,
    outcome: fc.constantFrom(...outcomes),
    correlationId: anyText,
    partitionKey: anyText,
    causationId: anyText,
    traceparent: anyText,
    branches: fc.dictionary(
      fc.constantFrom('reserve', 'pay'),
      fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/), { maxLength: 5 }),
    ),
    cause: fc.record({ step: anyText, reason: fc.string({ unit: 'grapheme' }) }),
    data: fc
      .dictionary(anyText, fc.jsonValue(), { maxKeys: 4 })
      .filter((data) => !JSON.stringify(data).includes('"__proto__"')), // no event has it
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

test('any envelope survives the way there and back', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(anyEnvelope, (envelope) => {
      const { headers, value } = encode(envelope, 't');
      expect(decode({ headers: throughUtf8(headers), value: utf8(value) })).toEqual(jsonOf(envelope));
    }),
    { numRuns: 300 },
  );
});

test('any record is a saga event or poison, and never another error', { timeout: 60_000 }, () => {
  const anyBytes = fc.string({ unit: 'binary', maxLength: 40 });
  const anyHeaders = fc.dictionary(
    fc.constantFrom('content-type', ...attributeNames.map((name) => `ce_${name}`)),
    anyBytes,
    {
      maxKeys: 3,
    },
  );
  const anyValue = fc.oneof(
    anyBytes,
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({ data: value })),
  );
  const unexpected = fc.check(
    fc.property(anyEnvelope, anyHeaders, fc.boolean(), anyValue, (envelope, spoiled, structured, value) => {
      const headers = structured ? { 'content-type': 'application/cloudevents+json' } : encode(envelope, 't').headers;
      return isEventOrPoison({ headers: { ...headers, ...spoiled }, value });
    }),
    { numRuns: 50 },
  );
  expect(unexpected.counterexample).toBeNull();
});

function isEventOrPoison(record: { headers: Record<string, string>; value: string }): boolean {
  try {
    return outcomes.includes(decode(record).outcome);
  } catch (error) {
    return error instanceof PoisonRecord;
  }
}

/** A broker carries bytes. */
function utf8(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text));
}

function throughUtf8(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, utf8(text)]));
}

/** JSON knows no negative zero. */
function jsonOf(envelope: Envelope): unknown {
  return JSON.parse(JSON.stringify(envelope));
}
