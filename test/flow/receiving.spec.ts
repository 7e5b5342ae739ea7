import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Booking, CardCharged, MailSent, Payment } from './stage/booking.js';
import { charging, reserved } from './stage/charging.js';
import { eventRecord, received, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

interface Letter {
  readonly reason: string;
  readonly service: string;
  readonly audience: string;
  readonly origin: object;
  readonly headers: object;
  readonly key: string;
  readonly bytes: number;
  readonly value: string;
}

function letters(): readonly Letter[] {
  return ground.transport.published
    .filter(({ topic }) => topic === 'saga.dead-letters')
    .map(({ value }) => JSON.parse(value) as Letter);
}

/** A sound record with something changed. */
function spoiled(change: {
  readonly headers?: Record<string, string | undefined>;
  readonly value?: string;
}): IncomingRecord {
  const { origin, key, ...sound } = reserved(randomUUID());
  const headers = Object.fromEntries(
    Object.entries({ ...sound.headers, ...change.headers }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  return { ...received({ topic: 'saga.booking', key, headers, value: change.value ?? sound.value }), origin };
}

const poison: [what: string, record: () => IncomingRecord, reason: RegExp][] = [
  ['a value that is no JSON', () => spoiled({ value: '{"bookingId":' }), /its value is no JSON/],
  ['a value that is no object', () => spoiled({ value: '"text"' }), /its data is no JSON object/],
  ['an empty value', () => spoiled({ value: '' }), /its value is no JSON/],
  ['a missing saga id', () => spoiled({ headers: { ce_sagaid: undefined } }), /"sagaid" is missing/],
  ['no headers at all', () => ({ ...spoiled({}), headers: {} }), /is missing/],
  ['a saga id that is no UUID', () => spoiled({ headers: { ce_sagaid: "'; DROP TABLE" } }), /is no UUID/],
  ['a step that the saga has not', () => spoiled({ headers: { ce_sagastep: 'fly' } }), /is not how step "fly"/],
  [
    'a type that is not of its step',
    () => spoiled({ headers: { ce_type: 'card.charged' } }),
    /"card.charged" is not how/,
  ],
  ['an outcome that nobody knows', () => spoiled({ headers: { ce_sagaoutcome: 'maybe' } }), /outcome "maybe"/],
  ['a version that is no number', () => spoiled({ headers: { ce_sagaversion: 'new' } }), /version "new"/],
  ['data that its schema refuses', () => spoiled({ value: '{"bookingId":7}' }), /"room.reserved" does not match/],
  [
    'a step named like a property of every object',
    () => spoiled({ headers: { ce_sagastep: '__proto__' } }),
    /is not how/,
  ],
];

describe('a poison record', () => {
  it.each(poison)('with %s goes to the dead letters with its reason and its bytes', async (_, record, reason) => {
    const service = await Service.started(ground, [charging()]);
    const bad = record();
    await ground.transport.deliver([bad]);
    expect(letters()).toHaveLength(1);
    const [letter] = letters();
    expect(letter).toMatchObject({
      service: 'hotel',
      audience: 'steps',
      origin: bad.origin,
      headers: bad.headers,
      key: bad.key,
    });
    expect(letter!.reason).toMatch(reason);
    expect(Buffer.from(letter!.value, 'base64')).toEqual(bad.raw);
    expect(ground.store.commits).toBe(0);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 1, handled: 0 });
    expect(service.logs.join()).toMatch(reason);
  });

  it('keeps bytes that are no text', async () => {
    await Service.started(ground, [charging()]);
    const raw = Uint8Array.from([0xff, 0xfe, 0x00, 0x80]);
    await ground.transport.deliver([{ ...spoiled({}), value: '', raw, malformed: 'not UTF-8' }]);
    expect([...Buffer.from(letters()[0]!.value, 'base64')]).toEqual([...raw]);
  });

  it('does not hold up the others of its batch, nor those after it', async () => {
    const service = await Service.started(ground, [charging()]);
    const ids = sagaIds(3);
    const bad = poison.map(([, record]) => record());
    await ground.transport.deliver([bad[0]!, reserved(ids[0]!), ...bad.slice(1), reserved(ids[1]!)]);
    await ground.transport.deliver([reserved(ids[2]!)]);
    expect(ground.store.effects).toHaveLength(3);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: poison.length, handled: 3 });
  });

  it('is not consumed before it is put away', async () => {
    const service = await Service.started(ground, [charging()]);
    const bad = spoiled({ value: 'x' });
    ground.transport.down = new Error('the broker is away');
    await expect(ground.transport.deliver([bad])).rejects.toThrow('the broker is away');
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 0 });
    ground.transport.down = undefined;
    await ground.transport.deliver([bad]);
    expect(letters()).toHaveLength(1);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 1 });
  });

  it('too large for the dead letters is put away shortened', async () => {
    await Service.started(ground, [charging()]);
    ground.transport.refuse = ({ value }) =>
      value.length > 1_000_000 ? { reason: 'too large', retriable: false } : undefined;
    const bad = spoiled({ value: 'x'.repeat(900_000) });
    await ground.transport.deliver([bad]);
    const [letter] = letters();
    expect(letter).toMatchObject({ bytes: 900_000, reason: 'its value is no JSON' });
    expect(Buffer.from(letter!.value, 'base64').toString()).toBe('x'.repeat(65_536));
  });

  it('with headers too many and too long for the dead letters is put away with some of them', async () => {
    const service = await Service.started(ground, [charging()]);
    ground.transport.refuse = ({ key, value }) =>
      key.length + value.length > 200_000 ? { reason: 'too large', retriable: false } : undefined;
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`x-${index}`, 'y'.repeat(900)]));
    await ground.transport.deliver([{ ...spoiled({ value: 'x', headers: many }), key: 'k'.repeat(300_000) }]);
    const [letter] = letters();
    expect(letter).toMatchObject({ bytes: 1, reason: 'its value is no JSON' });
    expect(Object.keys(letter!.headers)).toHaveLength(50);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 1 });
  });

  it('is put away with its reason alone where the dead letters take nothing larger', async () => {
    await Service.started(ground, [charging()]);
    ground.transport.refuse = ({ value }) =>
      value.length > 1_000 ? { reason: 'too large', retriable: false } : undefined;
    await ground.transport.deliver([spoiled({ value: 'x'.repeat(5_000) })]);
    expect(letters()).toMatchObject([{ bytes: 5_000, reason: 'its value is no JSON', value: '', headers: {} }]);
  });
});

describe('a record that is not for this service', () => {
  it.each([
    ['an event of a saga that it has no part in', () => eventRecord(Payment, 'pay', 'done')],
    ['an event that concerns none of its steps', () => eventRecord(Booking, 'mail', 'done')],
    [
      'a dead letter of another service',
      () => eventRecord(Booking, 'reserve', 'deadLettered', {}, { type: 'saga.compensation.failed' }),
    ],
  ])('is ignored, and counted: %s', async (_, record) => {
    const service = await Service.started(ground, [charging()]);
    await ground.transport.deliver([record()]);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 1, deadLettered: 0, handled: 0 });
    expect(ground.transport.published).toEqual([]);
  });
});

describe('a request to abort', () => {
  const abort = (sagaId: string) =>
    eventRecord(
      Booking,
      'saga',
      'abortRequested',
      { reason: 'the guest called' },
      { sagaId, type: 'saga.abort.requested', cause: { step: 'abort', reason: 'the guest called' } },
    );

  it('cancels the steps that have not begun, once, and says why', async () => {
    const mail = bind(Booking, 'mail', () => new MailSent({ bookingId: 'b' }));
    const confirm = bind(Booking, 'confirm', () => undefined);
    const service = await Service.started(ground, [confirm, mail]);
    const sagaId = randomUUID();
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver([abort(sagaId)]);
    await ground.clock.advance(1);
    expect(await service.row(sagaId, 'confirm')).toMatchObject({ status: 'cancelled' });
    expect(await service.row(sagaId, 'mail')).toBeUndefined(); // retriable: the pivot decides
    expect(ground.transport.events).toMatchObject([
      { id: `${sagaId}:confirm:cancelled`, cause: { step: 'abort', reason: 'the guest called' } },
    ]);
  });

  it('undoes nothing by itself', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.transport.deliver([abort(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
  });

  it('of this service is durable before it is published', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    ground.transport.down = new Error('away');
    await service.saga.publishAbort({ saga: Booking, sagaId, reason: 'the guest called' });
    service.kill();
    ground.transport.down = undefined;
    await Service.started(ground, [charging()]);
    await ground.clock.advance(1);
    expect(ground.transport.events).toMatchObject([
      { type: 'saga.abort.requested', sagaId, cause: { step: 'abort', reason: 'the guest called' } },
    ]);
  });
});

describe('a listener', () => {
  it('hears its event in a group of its own, once, and answers nothing', async () => {
    const heard: object[] = [];
    const node = {
      ...Booking.steps.charge,
      name: 'Audit.onCharged',
      role: 'retriable' as const,
      predecessors: ['charge'],
      successors: [],
    };
    const audit = {
      ...bind(Booking, 'charge', (event: CardCharged) => void heard.push(event), {
        hears: { step: 'charge', outcome: 'done' },
      }),
      node,
    };
    const service = await Service.started(ground, [charging(), audit]);
    expect(ground.transport.subscriptions.map(({ group }) => group)).toEqual(['hotel', 'hotel.listeners']);
    const charged = eventRecord(Booking, 'charge', 'done');
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver([charged], 'hotel.listeners');
    await ground.clock.advance(1);
    expect(heard).toEqual([new CardCharged({ bookingId: 'b-1' })]);
    expect(ground.transport.published).toEqual([]);
    expect(service.tally.snapshot()).toMatchObject({ handled: 1, duplicate: 1 });
  });
});
