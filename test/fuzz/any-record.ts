import fc from 'fast-check';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { attributeNames } from '../../libs/saga/src/protocol/wire.js';
import { eventRecord, received } from '../flow/stage/records.js';
import { Loose } from './loose-saga.js';
import { anyJson, anyText, oddJson } from './odd-values.js';

const anyValue = fc.oneof(
  fc.constantFrom(...oddJson),
  anyJson.map((value) => JSON.stringify(value)),
  fc.string({ unit: 'binary', maxLength: 50 }),
);

const sound = fc.record({
  step: fc.constantFrom(...Object.keys(Loose.steps)),
  outcome: fc.constantFrom('done', 'rejected', 'cancelled', 'compensated', 'abortRequested', 'deadLettered'),
} as const);

/** A sound event of the saga, some of whose headers were changed, added or taken away. */
const spoiled = fc
  .tuple(
    sound,
    fc.dictionary(fc.constantFrom(...attributeNames.map((name) => `ce_${name}`), 'content-type'), anyText, {
      maxKeys: 3,
    }),
    fc.dictionary(anyText, anyText, { maxKeys: 2 }),
    fc.option(anyValue),
  )
  .map(([{ step, outcome }, changed, added, value]): IncomingRecord => {
    const record = eventRecord(Loose, step, outcome, { id: 'b-1', failedStep: 'x', reason: 'r', why: 'w' });
    return again(record, { ...record.headers, ...added, ...changed }, value ?? record.value);
  });

/** Also what cannot be made a text. */
const anyAttribute = fc.oneof(
  anyJson,
  fc.constantFrom<unknown>(
    { toString: 1 },
    [{ toString: 'x', valueOf: 'x' }],
    JSON.parse(`${'['.repeat(99)}${']'.repeat(99)}`),
  ),
);

/** A CloudEvent in structured mode, each of whose attributeNames may be anything that JSON can hold. */
const structured = fc
  .tuple(sound, fc.dictionary(fc.constantFrom(...attributeNames, 'data', 'data_base64'), anyAttribute, { maxKeys: 4 }))
  .map(([{ step, outcome }, changed]): IncomingRecord => {
    const record = eventRecord(Loose, step, outcome, { id: 'b-1', failedStep: 'x', reason: 'r', why: 'w' });
    const own = Object.entries(record.headers).flatMap(([name, value]) =>
      name.startsWith('ce_') ? [[name.slice(3), value] as const] : [],
    );
    const event = { ...Object.fromEntries(own), data: JSON.parse(record.value) as unknown, ...changed };
    return again(record, { 'content-type': 'application/cloudevents+json' }, JSON.stringify(event));
  });

const foreign = fc
  .tuple(fc.dictionary(anyText, anyText, { maxKeys: 5 }), anyValue, anyText)
  .map(([headers, value, key]): IncomingRecord => received({ topic: 'loose.asked', key, headers, value }));

/** Records as a broken, an old or a malicious producer may write them. */
export const anyRecord: fc.Arbitrary<IncomingRecord> = fc.oneof(spoiled, structured, foreign);

function again(record: IncomingRecord, headers: Record<string, string>, value: string): IncomingRecord {
  return { ...received({ topic: 'saga.loose', key: record.key, headers, value }), origin: record.origin };
}
