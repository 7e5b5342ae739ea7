import { describe, expect, test } from 'vitest';
import { decode, encode, opened } from './cloud-event.js';
import type { Envelope } from './envelope.js';
import { outcomes } from './outcome.js';
import { PoisonRecord, type WireMessage } from './wire.js';

/** The attributes of an event as they are written, under their CloudEvents names. */
const attributesOf = (event: Envelope): Readonly<Record<string, unknown>> => opened(encode(event, 't')).attributes;

const sagaId = '0d7f3b52-6a0e-4f2e-9d43-6f2f8f5a1c11';

const assigned: Envelope = {
  id: `${sagaId}:assignUser:done`,
  type: 'user.assigned',
  source: '/assignment',
  time: '2026-03-01T10:20:30.456Z',
  sagaId,
  sagaType: 'task-assignment',
  sagaVersion: 1,
  step: 'assignUser',
  outcome: 'done',
  correlationId: 'request-7',
  partitionKey: sagaId,
  data: { taskId: 't-1', userId: 'ann' },
};

const closing: Envelope = {
  ...assigned,
  outcome: 'compensated',
  causationId: `${sagaId}:sendNotification:rejected`,
  cause: { step: 'sendNotification', reason: 'Zustellung unmöglich: 宛先不明 ✉' },
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

describe('a saga event on the wire', () => {
  test('is a CloudEvents 1.0 record in binary mode', () => {
    expect(encode(closing, 'saga.task-assignment')).toEqual({
      topic: 'saga.task-assignment',
      key: sagaId,
      headers: {
        'content-type': 'application/json',
        ce_specversion: '1.0',
        ce_id: `${sagaId}:assignUser:done`,
        ce_type: 'user.assigned',
        ce_source: '/assignment',
        ce_time: '2026-03-01T10:20:30.456Z',
        ce_sagaid: sagaId,
        ce_sagatype: 'task-assignment',
        ce_sagaversion: '1',
        ce_sagastep: 'assignUser',
        ce_sagaoutcome: 'compensated',
        ce_correlationid: 'request-7',
        ce_partitionkey: sagaId,
        ce_causationid: `${sagaId}:sendNotification:rejected`,
        ce_sagafailedstep: 'sendNotification',
        ce_sagareason: 'Zustellung unmöglich: 宛先不明 ✉',
        ce_traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      value: '{"taskId":"t-1","userId":"ann"}',
    });
  });

  test('names the branches of its saga, and is read back with them', () => {
    const branched = { ...assigned, step: 'assignUser[ann]', branches: { assignUser: ['ann', 'bob'] } };
    const record = encode(branched, 't');
    expect(record.headers).toMatchObject({
      ce_sagastep: 'assignUser[ann]',
      ce_sagabranches: '{"assignUser":["ann","bob"]}',
    });
    expect(decode(record)).toEqual(branched);
    expect(reasonOf({ ...record, headers: { ...record.headers, ce_sagabranches: '{"assignUser":[""]}' } })).toBe(
      'attribute "sagabranches" is no list of branches by step',
    );
  });

  test('names its attributes as CloudEvents demands: up to 20 lower-case letters and digits', () => {
    for (const name of Object.keys(attributesOf(closing))) expect(name).toMatch(/^[a-z0-9]{1,20}$/);
  });

  test('leaves out what it does not have', () => {
    const names = Object.keys(encode(assigned, 't').headers);
    expect(names).not.toContain('ce_causationid');
    expect(names).not.toContain('ce_traceparent');
    expect(names).not.toContain('ce_sagareason');
  });

  test('writes its outcome as other programs read it', () => {
    const written = outcomes.map((outcome) => encode({ ...assigned, outcome }, 't').headers['ce_sagaoutcome']);
    expect(written).toEqual([
      'done',
      'skipped',
      'rejected',
      'cancelled',
      'compensated',
      'dead-lettered',
      'abort-requested',
    ]);
  });

  test.each(outcomes)('comes back as it was: %s', (outcome) => {
    expect(decode(encode({ ...closing, outcome }, 't'))).toEqual({ ...closing, outcome });
  });

  test('has a reason without control characters, which CloudEvents does not allow', () => {
    const { headers } = encode(
      { ...closing, cause: { step: 'a', reason: 'no route:\r\n\thost\u0000 down\u0085' } },
      't',
    );
    expect(headers['ce_sagareason']).toBe('no route: host  down ');
  });

  test('has a reason of at most a thousand characters, and reads a longer one shortened', () => {
    const { headers, value } = encode({ ...closing, cause: { step: 'a', reason: 'x'.repeat(5_000) } }, 't');
    expect(headers['ce_sagareason']).toBe(`${'x'.repeat(999)}…`);
    const older = { headers: { ...headers, ce_sagareason: 'y\n'.repeat(2_000) }, value };
    expect(decode(older).cause?.reason).toBe(`${'y '.repeat(499)}y…`);
  });

  test('is keyed by the partition key, and by the saga id where a record has none', () => {
    expect(encode({ ...assigned, partitionKey: 'task-9' }, 't').key).toBe('task-9');
    expect(decode(without('ce_partitionkey')).partitionKey).toBe(sagaId);
  });

  test('is read whatever the case of its header names and of its saga id', () => {
    const { headers, value } = encode(assigned, 't');
    const loud = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name.toUpperCase(), text]));
    expect(decode({ headers: { ...loud, CE_SAGAID: sagaId.toUpperCase() }, value })).toEqual(assigned);
  });

  test('is read in structured mode too, with numbers as numbers and attributes nobody knows', () => {
    const body = {
      ...attributesOf(closing),
      sagaversion: 1,
      subject: 'x',
      datacontenttype: 'application/json',
      data: closing.data,
    };
    const headers = { 'Content-Type': 'application/cloudevents+json; charset=UTF-8' };
    expect(decode({ headers, value: JSON.stringify(body) })).toEqual(closing);
  });
});

describe('a record that is no saga event', () => {
  test.each([
    'specversion',
    'id',
    'type',
    'source',
    'time',
    'sagaid',
    'sagatype',
    'sagaversion',
    'sagastep',
    'sagaoutcome',
    'correlationid',
  ])('lacks %s, or has it empty', (name) => {
    expect(reasonOf(without(`ce_${name}`))).toBe(`attribute "${name}" is missing`);
    expect(reasonOf(withHeader(`ce_${name}`, ''))).toBe(`attribute "${name}" is missing`);
  });

  test.each([
    ['ce_specversion', '0.3', 'CloudEvents version "0.3" is not 1.0'],
    ['ce_time', 'yesterday', 'time "yesterday" is no RFC 3339 timestamp'],
    ['ce_time', '2026-02-30T10:20:30Z', 'time "2026-02-30T10:20:30Z" is no RFC 3339 timestamp'],
    ['ce_correlationid', 'request\0', 'attribute "correlationid" holds a null character'],
    ['ce_correlationid', 'request\r\nce_id: 1', 'attribute "correlationid" holds a control character'],
    ['ce_traceparent', 'half \uD83D', 'attribute "traceparent" holds half of a surrogate pair'],
    ['ce_id', 'x'.repeat(513), 'attribute "id" has 513 characters, 512 are the most'],
    ['ce_sagaid', '42', 'saga id "42" is no UUID'],
    ['ce_sagaid', `${sagaId}0`, `saga id "${sagaId}0" is no UUID`],
    ['ce_sagaversion', '0', 'saga version "0" is no whole number from 1'],
    ['ce_sagaversion', '1.5', 'saga version "1.5" is no whole number from 1'],
    ['ce_sagaversion', '1e3', 'saga version "1e3" is no whole number from 1'],
    ['ce_sagaoutcome', 'failed', 'outcome "failed" is unknown'],
    ['ce_sagaoutcome', 'deadLettered', 'outcome "deadLettered" is unknown'],
    ['ce_sagaoutcome', 'constructor', 'outcome "constructor" is unknown'],
  ])('%s is %j', (name, text, reason) => {
    expect(reasonOf(withHeader(name, text))).toBe(reason);
  });

  test.each([
    ['', 'its value is no JSON'],
    ['{"a":', 'its value is no JSON'],
    ['null', 'its data is no JSON object'],
    ['[1]', 'its data is no JSON object'],
    ['"text"', 'its data is no JSON object'],
    ['{"title":"a\\u0000"}', 'its value holds a text with a null character'],
    [
      '{"amount":9007199254740993}',
      'its value holds the number 9007199254740993, which JavaScript cannot hold exactly; send it as a text',
    ],
    ['{"a":{"__proto__":{}}}', 'its value has a key "__proto__"'],
    [`{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'its value is nested over 100 levels deep'],
  ])('its value is %j', (value, reason) => {
    expect(reasonOf({ ...encode(assigned, 't'), value })).toBe(reason);
  });

  test('a structured record without an event, or with binary data', () => {
    const headers = { 'content-type': 'application/cloudevents+json' };
    expect(reasonOf({ headers, value: '[]' })).toBe('its value is no CloudEvent');
    expect(reasonOf({ headers, value: 'null' })).toBe('its value is no CloudEvent');
    const binary = JSON.stringify({ ...attributesOf(assigned), data_base64: 'AAECAw==' });
    expect(reasonOf({ headers, value: binary })).toBe('its data is no JSON object');
  });

  test('a record of another application', () => {
    expect(reasonOf({ headers: {}, value: '{"hello":"world"}' })).toBe('attribute "specversion" is missing');
  });
});

function reasonOf(record: Pick<WireMessage, 'headers' | 'value'>): string {
  try {
    decode(record);
  } catch (error) {
    if (error instanceof PoisonRecord) return error.reason;
    throw error;
  }
  throw new Error('the record was taken for a saga event');
}

function withHeader(name: string, text: string): WireMessage {
  const message = encode(assigned, 't');
  return { ...message, headers: { ...message.headers, [name]: text } };
}

function without(name: string): WireMessage {
  const { [name]: _removed, ...headers } = encode(assigned, 't').headers;
  return { ...encode(assigned, 't'), headers };
}
