import { beforeEach, describe, expect, it } from 'vitest';
import { OutsideEvents } from '../../libs/saga/src/flow/outside-events.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Payment, PaymentAsked, PaymentMade } from './stage/booking.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let paid: string[];
let answers: Promise<void>;
beforeEach(() => {
  answers = Promise.resolve();
  ground = new Ground();
  paid = [];
});

const paying = bind(Payment, 'pay', async ({ bookingId }: PaymentAsked) => {
  paid.push(bookingId);
  await answers;
  return new PaymentMade({ bookingId });
});
const hour = 3_600_000;

function asked(bookingId: string, offset: number, key = 'acme'): IncomingRecord {
  const value = JSON.stringify({ bookingId, amount: 7 });
  const record = received({ topic: 'payment.asked', key, headers: {}, value });
  const stamp = String(ground.clock.now().getTime());
  return { ...record, origin: { topic: 'payment.asked', partition: 0, offset: String(offset), stamp } };
}

function replica(identity?: () => string): Promise<Service> {
  const keyedUntil = ground.clock.now().getTime() + 24 * hour;
  return Service.started(ground, [paying], {
    outside: new OutsideEvents({ 'payment.asked': { ...(identity && { identity }) } }, keyedUntil),
  });
}

/** As a replica of a version handles a record that tells records by their keys: the key makes the saga's id, and the row does not say more. */
async function handledByOld(service: Service, { key, value }: IncomingRecord): Promise<void> {
  const input = JSON.parse(value) as object;
  await service.saga.startSaga(Payment, input, { key });
}

describe('while replicas that tell records by their keys run beside this version', () => {
  it('a record that one of them handled and that comes again here starts no second saga, and the log says what it was taken for', async () => {
    const service = await replica();
    const record = asked('a', 1);
    await handledByOld(service, record);
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver([record]);
    expect(paid).toEqual(['a']);
    expect(service.logs.filter((line) => line.includes('is taken for the one that started saga'))).not.toEqual([]);
  });

  it('of a batch that comes again, only the first of a key is the one that started the saga: the others, which were dropped, start theirs', async () => {
    const service = await replica();
    const batch = [asked('a', 1), asked('b', 2), asked('c', 3), asked('d', 4, 'other')];
    await handledByOld(service, batch[0]!);
    await handledByOld(service, batch[1]!);
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver(batch);
    expect(paid.toSorted()).toEqual(['a', 'b', 'c', 'd']);
    service.kill();
    await replica();
    for (const record of batch.toReversed()) await ground.transport.deliver([record]);
    expect(paid).toHaveLength(4);
  });

  it('a record that was written after the saga of its key had moved last is another one', async () => {
    const service = await replica();
    await handledByOld(service, asked('a', 1));
    await ground.clock.advance(hour);
    const record = asked('b', 2);
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver([record]);
    expect(paid).toEqual(['a', 'b']);
  });

  it('while the step has not been done, its data tells whether a record is the one', async () => {
    const service = await replica();
    answers = new Promise(() => undefined);
    await handledByOld(service, asked('a', 1));
    await ground.transport.deliver([asked('b', 2), asked('a', 1)]);
    expect(paid).toEqual(['a', 'b']);
  });

  it('the first record of a key starts the saga that they would start, so one that comes again there starts nothing', async () => {
    const service = await replica();
    await ground.transport.deliver([asked('a', 1), asked('b', 2)]);
    await handledByOld(service, asked('a', 1));
    expect(paid).toEqual(['a', 'b']);
  });

  it('a record that is one by what the application says is so, whoever handled it', async () => {
    const service = await replica(() => 'e-1');
    const record = asked('a', 1);
    await handledByOld(service, record);
    await ground.transport.deliver([record, asked('a', 9)]);
    expect(paid).toEqual(['a']);
  });

  it('and a record that was written after that has nothing to do with keys', async () => {
    const service = await replica();
    await ground.clock.advance(25 * hour);
    const record = asked('a', 1);
    await handledByOld(service, record);
    await ground.transport.deliver([record]);
    expect(paid).toEqual(['a', 'a']);
  });
});
