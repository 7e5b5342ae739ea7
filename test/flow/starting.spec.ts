import { AsyncLocalStorage } from 'node:async_hooks';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent } from '../../libs/saga/src/definition/index.js';
import type { BoundStep, StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { Booking, Payment, RoomReserved, Trip, TripPlanned } from './stage/booking.js';
import { write } from './stage/charging.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

interface Wish {
  readonly bookingId: string;
}

function reserving(
  answer: (wish: Wish, saga: StepContext) => unknown = ({ bookingId }) => new RoomReserved({ bookingId }),
): BoundStep {
  return bind(Booking, 'reserve', (wish: Wish, saga) => {
    write(saga, `reserve ${wish.bookingId}`);
    return answer(wish, saga);
  });
}

const wish: Wish = { bookingId: 'b-1' };

describe('a start', () => {
  it('leaves nothing behind in the context of its caller, who is in it still', async () => {
    const requests = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const noted = (): unknown => contexts.push(requests.getStore());
    const bound = reserving(({ bookingId }) => {
      noted();
      return new RoomReserved({ bookingId });
    });
    const service = await Service.started(ground, [bound]);
    Object.assign(service.mirrored, { push: noted });
    await requests.run('request', async () => {
      await service.saga.startSaga(Booking, wish);
      noted();
    });
    expect(contexts).toEqual([undefined, undefined, 'request']);
  });

  it('resolves when the source is committed, with its row, its effect and its event', async () => {
    const { saga, row } = await startedService();
    const started = await saga.startSaga(Booking, wish, { correlationId: 'request-7' });
    expect(started).toEqual({
      sagaId: started.sagaId,
      step: 'done',
      existing: false,
      event: { bookingId: 'b-1', nights: 1 },
    });
    expect(ground.store.effects).toEqual(['reserve b-1']);
    expect(await row(started.sagaId)).toMatchObject({ status: 'done', result: { data: { bookingId: 'b-1' } } });
    await ground.clock.advance(1);
    expect(ground.transport.events).toMatchObject([{ type: 'room.reserved', correlationId: 'request-7' }]);
    expect(ground.transport.events[0]).not.toHaveProperty('causationId');
  });

  it('has one correlation id and one key for all events of its saga, also for a request to abort it', async () => {
    const plan = bind(Trip, 'plan', ({ bookingId }: Wish) => new TripPlanned({ bookingId }));
    const { saga } = await Service.started(ground, [plan]);
    const { sagaId } = await saga.startSaga(Trip, wish, { correlationId: 'request-7' });
    await saga.publishAbort({ saga: Trip, sagaId, reason: 'the guest called' });
    await ground.clock.advance(1);
    const told = ground.transport.events.map(({ type, correlationId, partitionKey }) => ({
      type,
      correlationId,
      partitionKey,
    }));
    expect(told).toEqual([
      { type: 'trip.planned', correlationId: 'request-7', partitionKey: 'b-1' },
      { type: 'saga.abort.requested', correlationId: 'request-7', partitionKey: 'b-1' },
    ]);
  });

  it('that fails tells its caller what the method threw, and leaves nothing', async () => {
    const { saga, row, tally } = await startedService(() => {
      throw new Error('no connection to the hotel');
    });
    await expect(saga.startSaga(Booking, wish, { key: 'k' })).rejects.toThrow('no connection to the hotel');
    await ground.clock.advance(120_000);
    expect(await row('')).toBeUndefined();
    expect([ground.store.effects, ground.transport.published, await ground.store.outbox.backlog()]).toEqual([
      [],
      [],
      { size: 0 },
    ]);
    expect(tally.snapshot().retried).toBe(0);
  });

  it('that says no is a saga that was rejected at once, and tells why, also when it is started again', async () => {
    const { saga } = await startedService(() => {
      throw new StepRejected('no rooms');
    });
    const refused = { step: 'rejected', event: { failedStep: 'reserve', reason: 'no rooms' } };
    expect(await saga.startSaga(Booking, wish, { key: 'k' })).toMatchObject({ ...refused, existing: false });
    expect(await saga.startSaga(Booking, wish, { key: 'k' })).toMatchObject({ ...refused, existing: true });
    expect(ground.store.effects).toEqual([]);
    await ground.clock.advance(1);
    expect(ground.transport.events).toMatchObject([
      { outcome: 'rejected', cause: { step: 'reserve', reason: 'no rooms' } },
    ]);
  });

  it('with a key finds the saga that the key started before, and has one effect, however many come at once', async () => {
    const { saga } = await startedService();
    const starts = await Promise.all(
      Array.from({ length: 20 }, () => saga.startSaga(Booking, wish, { key: 'request-7' })),
    );
    const later = await saga.startSaga(Booking, wish, { key: 'request-7' });
    const other = await saga.startSaga(Booking, wish, { key: 'request-8' });
    expect(new Set([...starts, later].map(({ sagaId }) => sagaId)).size).toBe(1);
    expect(starts.filter(({ existing }) => !existing)).toHaveLength(1);
    expect(later).toMatchObject({ existing: true, step: 'done', event: { bookingId: 'b-1' } });
    expect(other.existing).toBe(false);
    expect(ground.store.effects).toEqual(['reserve b-1', 'reserve b-1']);
  });

  it('with one key at two replicas at once has one effect', async () => {
    const replicas = await Promise.all([1, 2, 3].map(() => Service.started(ground, [reserving()])));
    const starts = await Promise.all(replicas.map(({ saga }) => saga.startSaga(Booking, wish, { key: 'k' })));
    expect(new Set(starts.map(({ sagaId }) => sagaId)).size).toBe(1);
    expect(ground.store.effects).toEqual(['reserve b-1']);
  });

  it('with a key that failed may be made again', async () => {
    let away = true;
    const { saga } = await startedService(({ bookingId }) => {
      if (away) throw new Error('away');
      return new RoomReserved({ bookingId });
    });
    await expect(saga.startSaga(Booking, wish, { key: 'k' })).rejects.toThrow('away');
    away = false;
    expect(await saga.startSaga(Booking, wish, { key: 'k' })).toMatchObject({ step: 'done', existing: false });
  });

  it('of a batch that fails does not spoil the others', async () => {
    const { saga } = await startedService(({ bookingId }) => {
      if (bookingId === 'b-2') throw new Error('away');
      return new RoomReserved({ bookingId });
    });
    const starts = ['b-1', 'b-2', 'b-3'].map((bookingId) => saga.startSaga(Booking, { bookingId }));
    const endings = await Promise.allSettled(starts);
    expect(endings.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ground.store.effects).toEqual(['reserve b-1', 'reserve b-3']);
  });

  it('is accepted while the broker is away, and goes on when it is back', async () => {
    const { saga } = await startedService();
    ground.transport.down = new Error('away');
    await saga.startSaga(Booking, wish);
    await ground.clock.advance(60_000);
    ground.transport.down = undefined;
    await ground.clock.advance(1_000);
    expect(ground.transport.events).toMatchObject([{ type: 'room.reserved' }]);
  });

  it('keys all records of the saga by the business key that its definition names', async () => {
    const plan = bind(Trip, 'plan', ({ bookingId }: Wish) => new TripPlanned({ bookingId }));
    const service = await Service.started(ground, [plan]);
    await service.saga.startSaga(Trip, wish);
    await ground.clock.advance(1);
    expect(ground.transport.published.map(({ key }) => key)).toEqual(['b-1']);
  });

  it.each([
    ['where another service has the source', Trip, wish, {}, 'SAGA_NOT_STARTED_HERE', 'start it where'],
    ['with an empty key', Booking, wish, { key: '' }, 'INVALID_START_KEY', 'give a business key'],
    [
      'with an outside event that its schema refuses',
      Payment,
      { bookingId: 7 },
      {},
      'INVALID_START_INPUT',
      'bookingId',
    ],
  ])('is refused %s', async (_, saga, input, options, code, said) => {
    const service = await Service.started(ground, [reserving(), bind(Payment, 'pay', () => undefined)]);
    const start = service.saga.startSaga(saga, input, options);
    await expect(start).rejects.toMatchObject({ code, message: expect.stringContaining(said) as string });
  });

  it('is given its input as its schema makes it, and refused when the schema refuses it', async () => {
    class Counted extends DomainEvent('counted', z.object({ count: z.number() })) {}
    const input = z.object({ count: z.coerce.number() });
    const Counting = defineSaga('counting', {
      count: { input, emits: Counted },
      again: { after: 'count', emits: class extends DomainEvent('again', z.object({})) {} },
    });
    const service = await Service.started(ground, [
      bind(Counting, 'count', ({ count }: { count: number }) => new Counted({ count })),
    ]);
    expect(await service.saga.startSaga(Counting, { count: '7' })).toMatchObject({ event: { count: 7 } });
    await expect(service.saga.startSaga(Counting, { count: 'many' })).rejects.toMatchObject({
      code: 'INVALID_START_INPUT',
    });
  });

  async function startedService(answer?: Parameters<typeof reserving>[0]) {
    const service = await Service.started(ground, [reserving(answer)], { settings: { lanes: 1 } });
    return { saga: service.saga, tally: service.tally, row: (sagaId: string) => service.row(sagaId, 'reserve') };
  }
});
