import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import type { Started } from '../../libs/saga/src/flow/start.js';
import { StoreFailure } from '../../libs/saga/src/ports/step-store.js';
import { Booking, RoomReserved } from './stage/booking.js';
import { charging, reserved, write } from './stage/charging.js';
import { sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

// Trouble of the database: charged to no step, told to whoever waits, and nothing that is committed is called failed.

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

type Moment = Parameters<Ground['store']['trouble']>[0];

/** The database fails at this moment of so many transactions. */
function failing(moment: Moment, times: number): void {
  let left = times;
  ground.store.trouble = (now) => {
    if (now === moment && (left -= 1) >= 0) throw new Error('the database system is starting up');
  };
}

const reserving = (): BoundStep =>
  bind(Booking, 'reserve', ({ bookingId }: { readonly bookingId: string }, saga) => {
    write(saga, `reserve ${bookingId}`);
    return new RoomReserved({ bookingId });
  });

const start = (service: Service, key?: string): Promise<Started> =>
  service.saga.startSaga(Booking, { bookingId: 'b-1' }, key === undefined ? {} : { key });

/** What came of a promise, after the pauses that somebody makes on the way. */
async function after<T>(ms: number, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  await ground.clock.advance(ms);
  return work;
}

describe('a transaction that fails by the database', () => {
  it.each(['begin', 'commit'] as const)('at its %s is charged to no step, however often', async (moment) => {
    const service = await Service.started(ground, [charging()]);
    const record = reserved(randomUUID());
    const sagaId = record.headers['ce_sagaid']!;
    failing(moment, 20);
    for (let time = 1; time <= 20; time += 1)
      await expect(ground.transport.deliver([record])).rejects.toBeInstanceOf(StoreFailure);
    await ground.transport.deliver([record]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done', attempts: 0 });
    expect(ground.store.effects).toEqual(['charge b-1']);
  });

  it('before its work answers all members of its batch alike: it is not begun again for each', async () => {
    await Service.started(ground, [charging()], { settings: { lanes: 1 } });
    let begun = 0;
    ground.store.trouble = (moment) => {
      if (moment !== 'begin') return;
      begun += 1;
      throw new Error('too many connections');
    };
    const records = sagaIds(20).map((id) => reserved(id));
    await expect(ground.transport.deliver(records)).rejects.toThrow('too many connections');
    expect(begun).toBe(1);
  });

  it('in a due attempt is charged to no step either: it is due again soon, and its lease need not end first', async () => {
    let calls = 0;
    const trouble = (): unknown => {
      calls += 1;
      if (calls === 1) throw new Error('the bank is away');
      return undefined;
    };
    const service = await Service.started(ground, [charging({ 'b-1': trouble })]);
    const record = reserved(randomUUID());
    await ground.transport.deliver([record]);
    failing('begin', 1);
    await ground.clock.advance(10_000);
    expect(await service.row(record.headers['ce_sagaid']!, 'charge')).toMatchObject({ status: 'done' });
    expect(calls).toBe(2);
  });
});

describe('a start whose transaction fails by the database', () => {
  it('is told so, and nothing is left of it', async () => {
    const service = await Service.started(ground, [reserving()]);
    failing('begin', 1);
    const told = { code: 'STORE_UNAVAILABLE', facts: { retriable: true, step: 'reserve' } };
    await expect(start(service)).rejects.toMatchObject({ ...told, cause: { phase: 'begin' } });
    failing('commit', 1);
    await expect(start(service)).rejects.toMatchObject({ ...told, cause: { phase: 'commit', outcome: 'rolledBack' } });
    expect(ground.store.effects).toEqual([]);
  });

  it.each([
    ['an id of its own', undefined],
    ['a key', 'k-1'],
  ])('after its commit, which was not answered, was made once: with %s', async (_, key) => {
    const service = await Service.started(ground, [reserving()]);
    failing('committed', 1);
    const { sagaId, step } = await after(3_000, start(service, key));
    expect(step).toBe('done');
    expect(ground.store.effects).toEqual(['reserve b-1']);
    expect(await service.row(sagaId, 'reserve')).toMatchObject({ status: 'done' });
    await ground.clock.advance(20_000);
    expect(ground.transport.eventIds).toEqual([`${sagaId}:reserve:done`]);
  });

  it('is found also in a batch whose commit was not answered, and is not called an earlier one', async () => {
    const service = await Service.started(ground, [reserving()], { settings: { lanes: 1 } });
    failing('committed', 1);
    const started = await after(3_000, Promise.all([start(service), start(service), start(service)]));
    expect(started.map(({ step, existing }) => ({ step, existing }))).toEqual(
      started.map(() => ({ step: 'done', existing: false })),
    );
    expect(ground.store.effects).toHaveLength(3);
  });

  it('is made again under its id when the commit that was not answered was not done', async () => {
    const service = await Service.started(ground, [reserving()]);
    ground.store.inner.failNext('commit');
    const inner = ground.store.inner.transaction.bind(ground.store.inner);
    ground.store.inner.transaction = async (keys, work) => {
      try {
        return await inner(keys, work);
      } catch (cause) {
        throw new StoreFailure('commit', { cause, outcome: 'unknown' });
      }
    };
    const { step, existing } = await after(3_000, start(service));
    expect({ step, existing }).toEqual({ step: 'done', existing: false });
    expect(ground.store.effects).toEqual(['reserve b-1']);
  });

  it('is told that nobody knows, and under which id it is, when the database does not come back', async () => {
    const service = await Service.started(ground, [reserving()]);
    let isAway = false;
    ground.store.trouble = (moment) => {
      isAway ||= moment === 'committed';
      if (isAway) throw new Error('Connection terminated unexpectedly');
    };
    const error = await after(
      10_000,
      start(service).then(
        () => undefined,
        (reason: unknown) => reason,
      ),
    );
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { outcome: 'unknown' } });
    expect((error as Error).message).toContain('nobody knows');
    ground.store.trouble = () => undefined;
    const { sagaId } = (error as { readonly facts: { readonly sagaId: string } }).facts;
    expect(await service.row(sagaId, 'reserve')).toMatchObject({ status: 'done' });
  });
});
