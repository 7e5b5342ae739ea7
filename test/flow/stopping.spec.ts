import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { Bank } from './stage/bank.js';
import { Delivered, Payment } from './stage/booking.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const drainWithin = 20_000;
const lease = 30_000;

let ground: Ground;
let bank: Bank;
beforeEach(() => {
  ground = new Ground();
  bank = new Bank();
});

const paid = (sagaId: string) => eventRecord(Payment, 'pay', 'done', { bookingId: 'b-1' }, { sagaId });
const delivering = () => bind(Payment, 'deliver', bank.call);

/** A service that was told to stop while the method of its external step runs. */
async function stopping(): Promise<{ readonly service: Service; readonly sagaId: string; over: () => boolean }> {
  const service = await Service.started(ground, [delivering()]);
  const sagaId = randomUUID();
  await ground.transport.deliver([paid(sagaId)]);
  let over = false;
  void service.saga.drain().then(() => (over = true));
  await turn();
  return { service, sagaId, over: () => over };
}

describe('a service that is told to stop while a method works outside', () => {
  test('waits for it', async () => {
    const { service, sagaId, over } = await stopping();
    await ground.clock.advance(drainWithin - 1);
    expect(over()).toBe(false);
    await bank.answer(new Delivered({ bookingId: 'b-1' }));
    await ground.clock.advance(1);
    expect([over(), (await service.row(sagaId, 'deliver'))?.status]).toEqual([true, 'done']);
    expect(service.logs.filter((line) => line.includes('stops without'))).toEqual([]);
  });

  test('does not wait for ever: it says whom it leaves, holds on to nothing, and the next life does it with the same key', async () => {
    const { service, sagaId, over } = await stopping();
    await ground.clock.advance(drainWithin);
    expect(over()).toBe(true);
    expect(service.logs.join('\n')).toContain(
      `stops without 1 methods of external steps that have not returned after ${drainWithin} ms: ${sagaId}/deliver.`,
    );
    const next = await Service.started(ground, [delivering()]);
    await ground.clock.advance(lease + 2_000);
    expect(bank.keys).toEqual([`${sagaId}:deliver`, `${sagaId}:deliver`]);
    bank.calls[1]!.answer(new Delivered({ bookingId: 'b-1' }));
    bank.calls[0]!.answer(new Delivered({ bookingId: 'b-1' }));
    await ground.clock.advance(2_000);
    expect(await next.row(sagaId, 'deliver')).toMatchObject({ status: 'done' });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:deliver:done`]);
  });

  test('says so, when it waits for one that holds a transaction', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const paying = bind(Payment, 'deliver', async () => {
      await held;
      return new Delivered({ bookingId: 'b-1' });
    });
    // As every step of the database, with the transaction's end in the hands of the method.
    const service = await Service.started(ground, [{ ...paying, node: { ...paying.node, external: false } }]);
    const sagaId = randomUUID();
    const consumed = ground.transport.deliver([paid(sagaId)]);
    let over = false;
    void service.saga.drain().then(() => (over = true));
    await ground.clock.advance(drainWithin);
    expect(service.logs.join('\n')).toContain(
      `Service "hotel" still waits, after ${drainWithin} ms, for a method of a step, compensation or listener that does not return.`,
    );
    expect(over).toBe(false);
    release();
    await consumed;
    await ground.clock.advance(1);
    expect([over, (await service.row(sagaId, 'deliver'))?.status]).toEqual([true, 'done']);
  });
});
