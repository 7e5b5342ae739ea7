import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { OutcomeUnknown } from '../../libs/saga/src/protocol/errors.js';
import type { Outcome } from '../../libs/saga/src/protocol/outcome.js';
import { Bank } from './stage/bank.js';
import { Booking, Delivered, Payment } from './stage/booking.js';
import { charging, confirmRefused, reserved, write } from './stage/charging.js';
import { eventRecord, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';
import { booking } from './stage/whole-booking.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const aWhile = 300_000;

describe("G1 a step's business change, its row and its event commit together or not at all", () => {
  const state = async (service: Service, sagaId: string): Promise<object> => ({
    effects: [...ground.store.effects],
    row: (await service.row(sagaId, 'charge'))?.status,
    waiting: (await ground.store.outbox.backlog()).size,
  });

  it.each(['begin', 'commit'] as const)('nothing is left when the database fails at the %s', async (moment) => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    ground.store.trouble = (now) => {
      if (now === moment) throw new Error('out of disk');
    };
    await expect(ground.transport.deliver([reserved(sagaId)])).rejects.toThrow('out of disk');
    expect(await state(service, sagaId)).toEqual({ effects: [], row: undefined, waiting: 0 });
  });

  it('nothing is left, and nothing is published, when the process dies in the middle of the method', async () => {
    const dying: { service?: Service } = {};
    const dies = bind(Booking, 'charge', async (_: object, saga) => {
      write(saga, 'charge');
      dying.service!.kill();
      throw new Error('killed');
    });
    dying.service = await Service.started(ground, [dies]);
    const sagaId = randomUUID();
    void ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(await state(dying.service, sagaId)).toEqual({ effects: [], row: undefined, waiting: 0 });
    expect(ground.transport.published).toEqual([]);
  });

  it('all is there when the process dies right after the commit: the next life publishes the event', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    ground.store.trouble = (now) => {
      if (now === 'committed') service.kill();
    };
    void ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(await state(service, sagaId)).toEqual({ effects: ['charge b-1'], row: 'done', waiting: 1 });
    expect(ground.transport.published).toEqual([]);
    ground.store.trouble = () => undefined;
    await Service.started(ground, [charging()]);
    await ground.clock.advance(1);
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:done`]);
  });
});

describe('G5 an undo that arrives before its step wins', () => {
  it.each<[string, string, Outcome]>([
    ['its successor was closed', 'confirm', 'rejected'],
    ['its predecessor was closed', 'reserve', 'rejected'],
    ['it was asked to abort', 'saga', 'abortRequested'],
  ])('the late step is refused for ever, because %s', async (_, step, outcome) => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    const more = outcome === 'abortRequested' ? { sagaId, type: 'saga.abort.requested' } : { sagaId };
    const closing = { ...booking, failedStep: step, reason: 'no' };
    await ground.transport.deliver([eventRecord(Booking, step, outcome, closing, more)]);
    for (let round = 0; round < 3; round += 1) await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(ground.store.effects).toEqual([]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'cancelled' });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:cancelled`]);
  });
});

describe('G6 an unknown outcome is never called failed', () => {
  it('a step that works outside stays undecided over crashes and unknown outcomes, with one key, until it is known', async () => {
    const bank = new Bank();
    const sagaId = randomUUID();
    let service = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await ground.transport.deliver([eventRecord(Payment, 'pay', 'done', booking, { sagaId })]);
    for (let round = 0; round < 5; round += 1) {
      await bank.fail(new OutcomeUnknown('timed out'));
      await ground.clock.advance(17_000);
      service.kill();
      service = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
      await ground.clock.advance(61_000);
      expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'running' });
    }
    expect(ground.transport.events).toEqual([]);
    expect(new Set(bank.keys)).toEqual(new Set([`${sagaId}:deliver`]));
    for (let call = 0; call < bank.calls.length; call += 1) bank.calls[call]!.answer(new Delivered(booking));
    await ground.clock.advance(1);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'done' });
  });
});

describe('G7 one poisoned saga stops no other, and nothing vanishes', () => {
  it('everything that arrives is handled, duplicate, ignored, retried or dead-lettered, and the counts add up', async () => {
    const failing = charging({
      'b-poison': () => {
        throw new Error('always');
      },
    });
    const service = await Service.started(ground, [failing]);
    const ids = sagaIds(20);
    const healthy = ids.slice(0, 15).map((sagaId) => reserved(sagaId));
    const records = [
      ...healthy,
      ...healthy.slice(0, 5), // duplicates
      ...ids.slice(15, 18).map((sagaId) => reserved(sagaId, 'b-poison')),
      { ...reserved(ids[18]!), value: 'no JSON' },
      { ...reserved(ids[19]!), headers: {} },
      eventRecord(Payment, 'pay', 'done'), // another saga's
      confirmRefused(ids[19]!), // an undo before its step
      reserved(ids[19]!), // ... which is then refused
    ];
    await ground.transport.deliver(records);
    expect(service.tally.snapshot()).toEqual({
      handled: 16,
      duplicate: 5,
      ignored: 2,
      refused: 0,
      anomaly: 0,
      retried: 3,
      deadLettered: 2,
      parked: 0,
      passed: 0,
    });
    expect(Object.values(service.tally.snapshot()).reduce((sum, count) => sum + count, 0)).toBe(records.length);
    for (const sagaId of ids.slice(0, 15))
      expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
  });
});
