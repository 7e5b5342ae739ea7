import { beforeEach, describe, expect, it } from 'vitest';
import { StepPostponed } from '../../libs/saga/src/protocol/errors.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { OutsideEvents } from '../../libs/saga/src/flow/outside-events.js';
import type { OutsideOptions } from '../../libs/saga/src/flow/outside-record.js';
import { Payment, PaymentAsked, PaymentMade } from './stage/booking.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let paid: string[];
beforeEach(() => {
  ground = new Ground();
  paid = [];
});

const paying = bind(Payment, 'pay', ({ bookingId }: PaymentAsked) => {
  paid.push(bookingId);
  return new PaymentMade({ bookingId });
});

function asked(bookingId: string, more: Partial<IncomingRecord> = {}): IncomingRecord {
  const value = JSON.stringify({ bookingId, amount: 7 });
  return { ...received({ topic: 'payment.asked', key: 'acme', headers: {}, value }), ...more };
}

const at = (offset: string, stamp: string, partition = 0): Pick<IncomingRecord, 'origin'> => ({
  origin: { topic: 'payment.asked', partition, offset, stamp },
});

function payingService(options: OutsideOptions = {}): Promise<Service> {
  return Service.started(ground, [paying], { outside: new OutsideEvents({ 'payment.asked': options }) });
}

/** Why records went to the dead letters. */
function reasons(): readonly string[] {
  return ground.transport.published
    .filter(({ topic }) => topic === 'saga.dead-letters')
    .map(({ value }) => (JSON.parse(value) as { reason: string }).reason);
}

describe('a record of an outside event', () => {
  it('is known by its source and id as a CloudEvent, whatever the application says', async () => {
    await payingService({ identity: () => 'always the same' });
    const headers = { ce_type: 'payment.asked', ce_id: 'e-1', ce_source: '/shop' };
    const records = [asked('a', { headers }), asked('b', { headers: { ...headers, ce_source: '/web' } })];
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver(records);
    expect(paid).toEqual(['a', 'b']);
  });

  it('is known by its topic, partition and offset where it has no id: not by its key, and a redelivery starts nothing', async () => {
    const service = await payingService();
    const records = [asked('a', at('1', '100')), asked('b', at('2', '100')), asked('c', at('1', '100', 1))];
    for (let round = 0; round < 3; round += 1) await ground.transport.deliver(records);
    expect(paid).toEqual(['a', 'b', 'c']);
    expect(service.tally.snapshot()).toMatchObject({ duplicate: 6, ignored: 0 });
  });

  it('of a topic that was made anew is another, although offsets begin anew', async () => {
    await payingService();
    await ground.transport.deliver([asked('a', at('0', '100')), asked('b', at('0', '200'))]);
    expect(paid).toEqual(['a', 'b']);
  });

  it('is known by what the application says, and then is one with a start of that key', async () => {
    const service = await payingService({ identity: ({ data }) => (data as { bookingId: string }).bookingId });
    await service.saga.startSaga(Payment, { bookingId: 'started', amount: 7 }, { key: 'started' });
    await ground.transport.deliver([asked('a'), asked('b'), asked('a'), asked('started')]);
    expect(paid).toEqual(['started', 'a', 'b']);
  });

  it('of which the application knows nothing is known by its place', async () => {
    await payingService({ identity: ({ headers }) => headers['id'] });
    const headers = { id: 'e-1' };
    await ground.transport.deliver([asked('a'), asked('b'), asked('c', { headers }), asked('c', { headers })]);
    expect(paid).toEqual(['a', 'b', 'c']);
  });

  it.each<[what: string, identity: unknown, reason: string]>([
    [
      'throws',
      () => {
        throw new Error('no header');
      },
      'outside[...].identity threw: no header',
    ],
    ['is asynchronous', async () => 'late', 'its identity is of type object; return a text'],
  ])(
    'whose identity %s goes to the dead letters, and is taken up when that is mended',
    async (_what, identity, reason) => {
      const service = await payingService({ identity: identity as () => string });
      await ground.transport.deliver([asked('a')]);
      expect(reasons()).toEqual([expect.stringContaining(reason)]);
      expect(paid).toEqual([]);
      expect(service.tally.snapshot()).toMatchObject({ deadLettered: 1 });
    },
  );

  it('that is known already has that said in the log, once, with what it is known by', async () => {
    const service = await payingService({ identity: ({ key }) => key });
    await ground.transport.deliver([asked('a'), asked('b'), asked('c')]);
    expect(paid).toEqual(['a']);
    expect(service.logs.filter((line) => line.includes('"acme" is known and starts nothing'))).toHaveLength(1);
    expect(service.tally.snapshot()).toMatchObject({ duplicate: 2 });
  });

  it('without an id has that said in the log, once, with what to do', async () => {
    const service = await payingService();
    await ground.transport.deliver([asked('a'), asked('b')]);
    expect(service.logs.filter((line) => line.includes("outside: { 'payment.asked': { identity } }"))).toHaveLength(1);
  });
});

describe('a record that is no plain JSON', () => {
  const bytes = Buffer.from([0, 0, 0, 0, 42, 2, 97]);
  const avro = (bookingId: string): IncomingRecord => {
    const raw = Buffer.concat([Buffer.from([0, 0, 0, 0, 42]), Buffer.from(bookingId)]);
    return asked(bookingId, { raw, value: raw.toString() });
  };

  it('is read by what the application says, which may take its time', async () => {
    await payingService({
      decode: async (record) => ({ bookingId: Buffer.from(record.bytes.subarray(5)).toString(), amount: 7 }),
      identity: ({ data }) => (data as { bookingId: string }).bookingId,
    });
    await ground.transport.deliver([avro('a'), avro('b'), avro('a')]);
    expect(paid).toEqual(['a', 'b']);
  });

  it('is ignored, counted and told of once where it is decoded to nothing', async () => {
    const service = await payingService({
      decode: ({ value }) => (value.includes('"op":"d"') ? undefined : (JSON.parse(value) as unknown)),
    });
    const gone = asked('x', { raw: Buffer.from('{"op":"d"}'), value: '{"op":"d"}' });
    await ground.transport.deliver([gone, gone, asked('a')]);
    expect(paid).toEqual(['a']);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 2, deadLettered: 0 });
    expect(service.logs.filter((line) => line.includes('decode makes nothing'))).toHaveLength(1);
  });

  it('goes to the dead letters when it cannot be decoded, and comes again when it cannot be decoded now', async () => {
    let away = true;
    const service = await payingService({
      decode: ({ value }) => {
        if (value.includes('bad')) throw new Error('unknown schema 42');
        if (away) throw new StepPostponed('the registry is away', 1_000);
        return JSON.parse(value) as unknown;
      },
    });
    await ground.transport.deliver([asked('bad')]);
    expect(reasons()).toEqual(['outside["payment.asked"].decode threw: unknown schema 42']);
    await expect(ground.transport.deliver([asked('a')])).rejects.toThrow('the registry is away');
    away = false;
    await ground.transport.deliver([asked('a')]);
    expect(paid).toEqual(['a']);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 1 });
  });

  it.each<[what: string, raw: Buffer | string, look: string]>([
    ['a frame of a schema registry', bytes, 'the frame of a schema registry, schema 42'],
    ['compressed by its producer', Buffer.from([0x1f, 0x8b, 8, 0]), 'compressed with gzip'],
    ['an Avro file', Buffer.from('Obj\u0001a', 'latin1'), 'an Avro file'],
    ['JSON in a JSON text', JSON.stringify('{"bookingId":"a","amount":7}'), 'JSON within a JSON text'],
    [
      'an envelope of Kafka Connect',
      '{"schema":{},"payload":{"bookingId":"a"}}',
      'the envelope { schema, payload } of Kafka Connect',
    ],
    [
      'a change of a row',
      '{"before":null,"after":{"bookingId":"a"},"op":"c"}',
      'the envelope { before, after, op } of a change',
    ],
    ['a list', '[{"bookingId":"a"}]', 'a list: several events in one record'],
  ])('and seems to be %s has a dead letter that says so, and where to say how it is read', async (_what, raw, look) => {
    await payingService();
    const value = Buffer.from(raw);
    const malformed = 'its value is no UTF-8';
    await ground.transport.deliver([asked('a', { raw: value, value: value.toString(), malformed })]);
    expect(reasons()).toEqual([expect.stringContaining(`it looks like ${look}`)]);
    expect(reasons()[0]).toContain("say how it is read with outside: { 'payment.asked': { decode } }");
  });
});

describe('what needs nobody on the topic of an outside event is counted as ignored, and told once', () => {
  it('a tombstone', async () => {
    const service = await payingService({ decode: () => expect.fail('there is nothing to decode') });
    const tombstone = asked('x', { raw: Buffer.alloc(0), value: '' });
    await ground.transport.deliver([tombstone, tombstone]);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 2, deadLettered: 0 });
    expect(service.logs.filter((line) => line.includes('without a value (tombstones) start nothing'))).toHaveLength(1);
    expect(reasons()).toEqual([]);
  });

  it('an event of another kind', async () => {
    const service = await payingService();
    const other = asked('x', { headers: { ce_type: 'payment.settled', ce_id: '1', ce_source: '/bank' } });
    await ground.transport.deliver([other, other, asked('a')]);
    expect(paid).toEqual(['a']);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 2, deadLettered: 0 });
    expect(
      service.logs.filter((line) => line.includes('none of this service\'s sagas ("payment.settled")')),
    ).toHaveLength(1);
  });

  it('any of them, for the listeners of a service that has both', async () => {
    const hears = { step: 'pay', outcome: 'done' } as const;
    const node = { ...Payment.steps.pay, name: 'listener' };
    const listener = { ...bind(Payment, 'pay', () => undefined, { hears }), node };
    const service = await Service.started(ground, [paying, listener]);
    await ground.transport.deliver([asked('a')]);
    expect(paid).toEqual(['a']);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 0 });
  });

  it('but not an event of a saga that has lost what tells its saga', async () => {
    const service = await payingService();
    await ground.transport.deliver([
      asked('x', { headers: { ce_type: 'payment.made', ce_id: '1', ce_source: '/hotel' } }),
    ]);
    expect(service.tally.snapshot()).toMatchObject({ deadLettered: 1 });
  });
});
