import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { FenceConflict } from '../../libs/saga/src/ports/step-store.js';
import { charging, confirmRefused, reserved } from './stage/charging.js';
import { received, sagaIds } from './stage/records.js';
import { Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

describe('a batch', () => {
  it('of events of different sagas is one transaction, with one row and one event each', async () => {
    const service = await Service.started(ground, [charging()], { settings: { lanes: 1 } });
    const ids = sagaIds(10);
    await ground.transport.deliver(ids.map((sagaId, index) => reserved(sagaId, `b-${index}`)));
    expect(ground.store.opened).toEqual([10]);
    expect(ground.store.effects).toHaveLength(10);
    for (const sagaId of ids) expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done', version: 1 });
    await ground.clock.advance(1);
    expect(ground.transport.eventIds).toEqual(ids.map((sagaId) => `${sagaId}:charge:done`));
  });

  it('in which one member throws is settled one by one: the others are done once, that one is parked', async () => {
    const failing = charging({
      'b-3': () => {
        throw new Error('card machine is away');
      },
    });
    const service = await Service.started(ground, [failing], { settings: { lanes: 1 } });
    const ids = sagaIds(6);
    await ground.transport.deliver(ids.map((sagaId, index) => reserved(sagaId, `b-${index}`)));
    expect(ground.store.effects.toSorted()).toEqual(['b-0', 'b-1', 'b-2', 'b-4', 'b-5'].map((id) => `charge ${id}`));
    expect(await service.row(ids[3]!, 'charge')).toMatchObject({
      status: 'running',
      attempts: 1,
      lastError: 'card machine is away',
      inputs: { reserve: { type: 'room.reserved', data: { bookingId: 'b-3', nights: 1 } } },
    });
    expect(service.tally.snapshot()).toMatchObject({ handled: 5, retried: 1 });
    await ground.clock.advance(1);
    expect(ground.transport.events.map(({ sagaId }) => sagaId)).toEqual(ids.filter((_, index) => index !== 3));
  });

  it('may hold several events of one step: they are taken in their order', async () => {
    const service = await Service.started(ground, [charging()], { settings: { lanes: 1 } });
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId), reserved(sagaId), confirmRefused(sagaId), reserved(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'compensated', version: 1 });
    expect(ground.store.effects).toEqual(['charge b-1', 'refund b-1']);
    expect(service.tally.snapshot()).toMatchObject({ handled: 2, duplicate: 1, ignored: 1 });
    await ground.clock.advance(1);
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:done`, `${sagaId}:charge:compensated`]);
  });
});

describe('an event that arrives again', () => {
  it('is a duplicate: no second effect, no second event, no new version', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    for (let round = 0; round < 3; round += 1) await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(1);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:done`]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ version: 1 });
    expect(service.tally.snapshot()).toMatchObject({ handled: 1, duplicate: 2 });
  });

  it('to two replicas at once has one effect', async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => Service.started(ground, [charging()])));
    const sagaId = randomUUID();
    const groups = ground.transport.subscriptions.map(({ handle }) => handle([reserved(sagaId)]));
    await Promise.all(groups);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(replicas.map(({ tally }) => tally.snapshot().handled).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
  });
});

describe('an undo', () => {
  it('that arrives before its step leaves a tombstone: the late step never runs', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([confirmRefused(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'cancelled' });
    await ground.transport.deliver([reserved(sagaId)]);
    expect(ground.store.effects).toEqual([]);
    await ground.clock.advance(1);
    expect(ground.transport.events).toMatchObject([
      { id: `${sagaId}:charge:cancelled`, cause: { step: 'confirm', reason: 'full' } },
    ]);
    expect(service.tally.snapshot()).toMatchObject({ handled: 1, ignored: 1 });
  });

  it('is given what the step did and why the saga closes, and passes the cause on', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.transport.deliver([confirmRefused(sagaId, 'overbooked')]);
    await ground.clock.advance(1);
    expect(ground.transport.events.at(-1)).toMatchObject({
      type: 'card.refunded',
      data: { bookingId: 'b-1', why: 'confirm: overbooked' },
      cause: { step: 'confirm', reason: 'overbooked' },
      causationId: `${sagaId}:confirm:rejected`,
    });
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'compensated', inputs: {} });
  });

  it('that arrives again undoes nothing again', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    for (let round = 0; round < 3; round += 1) await ground.transport.deliver([confirmRefused(sagaId)]);
    expect(ground.store.effects).toEqual(['charge b-1', 'refund b-1']);
    expect(service.tally.snapshot()).toMatchObject({ handled: 2, ignored: 2 });
  });

  it('that a parked step learned of comes as an attempt of its own, right after the step', async () => {
    let away = true;
    const sometimes = charging({
      'b-1': () => {
        if (away) throw new Error('away');
        return undefined;
      },
    });
    const service = await Service.started(ground, [sometimes]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.transport.deliver([confirmRefused(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'running', successorsClosed: ['confirm'] });
    away = false;
    await ground.clock.advance(1_100);
    expect(ground.store.effects).toEqual(['charge b-1', 'refund b-1']);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'compensated' });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:compensated`]); // a doomed step announces nothing
  });
});

describe('a conflict with another transaction', () => {
  const conflicting = (times: number): void => {
    let left = times;
    ground.store.trouble = (moment) => {
      if (moment === 'commit' && (left -= 1) >= 0) throw new FenceConflict();
    };
  };

  it('is settled by doing the work again, and is no failure of the step', async () => {
    const service = await Service.started(ground, [charging()], { settings: { lanes: 1 } });
    conflicting(3);
    const ids = sagaIds(2);
    await ground.transport.deliver(ids.map((sagaId) => reserved(sagaId)));
    expect(ground.store.effects).toEqual(['charge b-1', 'charge b-1']);
    for (const sagaId of ids)
      expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done', attempts: 0 });
    expect(service.tally.snapshot()).toMatchObject({ handled: 2, retried: 0 });
  });

  it('that does not end leaves the event unconsumed, and the step uncharged', async () => {
    const service = await Service.started(ground, [charging()]);
    conflicting(Number.POSITIVE_INFINITY);
    const sagaId = randomUUID();
    const ended = ground.transport.deliver([reserved(sagaId)]).catch((error: unknown) => error);
    await ground.clock.advance(5_000);
    expect(await ended).toMatchObject({ code: 'FENCE_CONFLICT', facts: { retriable: true } });
    expect(await service.row(sagaId, 'charge')).toBeUndefined();
    ground.store.trouble = () => undefined;
    await ground.transport.deliver([reserved(sagaId)]);
    expect(ground.store.effects).toEqual(['charge b-1']);
  });
});

describe('a batch whose database is away', () => {
  it('is not consumed, comes again, and is then settled once', async () => {
    const service = await Service.started(ground, [charging()], { settings: { lanes: 1 } });
    const records = sagaIds(5).map((sagaId) => reserved(sagaId));
    ground.store.trouble = () => {
      throw new Error('the database is away');
    };
    await expect(ground.transport.deliver(records)).rejects.toThrow('the database is away');
    expect(service.tally.snapshot()).toMatchObject({ handled: 0, retried: 0 });
    ground.store.trouble = () => undefined;
    await ground.transport.deliver(records);
    expect(ground.store.effects).toHaveLength(5);
    expect(service.tally.snapshot()).toMatchObject({ handled: 5, duplicate: 0 });
  });

  it('that was committed although the answer was lost is recognized when it comes again', async () => {
    const service = await Service.started(ground, [charging()]);
    const record = reserved(randomUUID());
    ground.store.trouble = (moment) => {
      if (moment === 'committed') throw new Error('connection lost while COMMIT was in flight');
    };
    await expect(ground.transport.deliver([record])).rejects.toThrow('connection lost');
    ground.store.trouble = () => undefined;
    await ground.transport.deliver([received({ ...record, topic: 'saga.booking' })]);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(service.tally.snapshot()).toMatchObject({ handled: 0, duplicate: 1 });
    await ground.clock.advance(20_000);
    expect(ground.transport.events).toHaveLength(1); // found by the sweep
  });
});
