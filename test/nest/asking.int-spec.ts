import { Injectable } from '@nestjs/common';
import { SagaStep, SagaTrackerModule, Sagas, inMemory, type TrackedSaga } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { Order, OrderPlaced, StockReleased } from './order-saga.js';
import { ChargeSteps, PlaceSteps, ReserveSteps, Seen, ShipSteps, allSteps } from './order-steps.js';
import { eventually, started, type Service } from './scene.js';

let transport: ReturnType<typeof inMemory>;
beforeEach(() => {
  transport = inMemory();
});

/** The service that starts orders, with a tracker. */
async function shop(providers: Service['providers'] = [PlaceSteps]): Promise<Sagas> {
  const app = await startedOn(await freshDatabase(), {
    ...(providers && { providers }),
    imports: [SagaTrackerModule],
    saga: { transport },
  });
  return app.get(Sagas);
}

const service = (name: string, providers: Service['providers']) =>
  started({ ...(providers && { providers }), saga: { service: name, transport } });

describe('a caller waits for a saga', () => {
  test('until it is over, one way or the other', async () => {
    const sagas = await shop(allSteps);
    const good = await sagas.start(Order, { orderId: 'o1' });
    const bad = await sagas.start(Order, { orderId: 'o2', quantity: 11 });
    expect(await sagas.settled(good.sagaId, { timeout: 20_000 })).toMatchObject({ status: 'completed' });
    expect(await sagas.settled(bad.sagaId, { timeout: 20_000 })).toMatchObject({ status: 'aborted' });
  });

  test('no longer than it wants to, and the saga goes on', async () => {
    const sagas = await shop();
    const { sagaId } = await sagas.start(Order, { orderId: 'o1' });
    await eventually(async () => expect(await sagas.status(sagaId)).toMatchObject({ status: 'running' }));
    const waiting = sagas.settled(sagaId, { timeout: 80 });
    await expect(waiting).rejects.toMatchObject({
      code: 'NOT_SETTLED',
      facts: { sagaId, retriable: true },
      message: `Saga ${sagaId} is running after 80 ms; it goes on, ask again.`,
    });
    await service('rest', [ReserveSteps, ChargeSteps, ShipSteps]);
    expect(await sagas.settled(sagaId, { timeout: 20_000 })).toMatchObject({ status: 'completed' });
  });

  test.each([
    ['completed', { ship: undefined }, { ship: 'done' }],
    ['aborted', { reserve: 'done' }, { reserve: 'compensated' }],
    ['aborted', { ship: undefined }, { ship: 'cancelled' }],
  ] as const)(
    'that is %s until the tracker has heard how each step ended, and no longer than it wants to',
    async (status, early, late) => {
      const sagas = (await service('shop', allSteps)).get(Sagas);
      const all = Object.fromEntries(Object.keys(Order.steps).map((step) => [step, 'done']));
      const ends =
        status === 'completed'
          ? all
          : { ...all, place: 'compensated', reserve: 'compensated', charge: 'rejected', ship: 'cancelled' };
      const told = (differing: object): TrackedSaga =>
        JSON.parse(
          JSON.stringify({ saga: 'order', version: 1, status, steps: { ...ends, ...differing } }),
        ) as TrackedSaga;
      const heard = vi.spyOn(sagas, 'status').mockResolvedValueOnce(told(early)).mockResolvedValue(told(late));
      expect(await sagas.settled(randomUUID(), { timeout: 20_000 })).toEqual(told(late));
      expect(heard).toHaveBeenCalledTimes(2);
      heard.mockResolvedValue(told(early));
      expect(await sagas.settled(randomUUID(), { timeout: 30 })).toEqual(told(early));
    },
  );

  test('in vain for a saga that nobody knows', async () => {
    const sagas = await shop();
    expect(await sagas.status(randomUUID())).toBeUndefined();
    await expect(sagas.settled('nonsense', { timeout: 30 })).rejects.toThrow(
      'Saga "nonsense" is unknown after 30 ms; it goes on, ask again.',
    );
  });

  test('only where the application has a tracker', async () => {
    const app = await service('shop', [PlaceSteps]);
    const asked = app.get(Sagas).status(randomUUID());
    await expect(asked).rejects.toMatchObject({ code: 'NO_TRACKER' });
    await expect(app.get(Sagas).settled(randomUUID(), { timeout: 10 })).rejects.toThrow(
      'No participant knows a whole saga; import SagaTrackerModule into this application to ask for its state.',
    );
  });
});

describe('a request to abort', () => {
  test('before the pivot closes the saga backwards, however often it is made', async () => {
    const sagas = await shop();
    await service('card', [ChargeSteps]);
    const { sagaId } = await sagas.start(Order, { orderId: 'o1' });
    expect(await sagas.requestAbort(sagaId, 'the customer called')).toBe('requested');
    expect(await sagas.requestAbort(sagaId, 'and called again')).toBe('requested');
    await eventually(async () => expect((await sagas.status(sagaId))?.steps).toMatchObject({ charge: 'cancelled' }));
    const stock = await service('stock', [ReserveSteps, ShipSteps, Seen]);
    expect(await sagas.settled(sagaId, { timeout: 20_000 })).toMatchObject({
      status: 'aborted',
      steps: { place: 'compensated', reserve: 'compensated', charge: 'cancelled' },
      inconsistencies: [],
    });
    expect(stock.get(Seen).of(StockReleased)).toEqual(['o1']);
  });

  test('while a step runs waits for it, then the step is undone', async () => {
    @Injectable()
    class Slow extends ReserveSteps {
      running = 0;
      @SagaStep(Order.steps.reserve)
      override reserve(placed: OrderPlaced): never {
        this.running += 1;
        return sleep(60).then(() => super.reserve(placed)) as never;
      }
    }
    const sagas = await shop();
    const stock = await service('stock', [Slow]);
    await service('card', [ChargeSteps, ShipSteps]);
    const { sagaId } = await sagas.start(Order, { orderId: 'o1' });
    await eventually(() => expect(stock.get(Slow).running).toBe(1));
    expect(await sagas.requestAbort(sagaId, 'too late?')).toBe('requested');
    expect(await sagas.settled(sagaId, { timeout: 20_000 })).toMatchObject({
      status: 'aborted',
      steps: { place: 'compensated', reserve: 'compensated', charge: 'cancelled' },
    });
  });

  test('after the pivot is refused, by what the tracker has seen', async () => {
    const sagas = await shop();
    await service('rest', [ReserveSteps, ChargeSteps]);
    const { sagaId } = await sagas.start(Order, { orderId: 'o1' });
    await eventually(async () => expect((await sagas.status(sagaId))?.steps).toMatchObject({ charge: 'done' }));
    expect(await sagas.requestAbort(sagaId, 'too late')).toBe('refused');
    await service('shipping', [ShipSteps]);
    expect(await sagas.settled(sagaId, { timeout: 20_000 })).toMatchObject({ status: 'completed' });
  });

  test('after the pivot is refused without a tracker too, where the pivot or what follows it is done', async () => {
    const shopping = await service('shop', [PlaceSteps]);
    const rest = await service('rest', [ReserveSteps, ChargeSteps, Seen]);
    const shipping = await service('shipping', [ShipSteps, Seen]);
    const { sagaId } = await shopping.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(shipping.get(Seen).events).toHaveLength(2));
    expect(await rest.get(Sagas).requestAbort(sagaId, 'too late')).toBe('refused');
    expect(await shipping.get(Sagas).requestAbort(sagaId, 'too late')).toBe('refused');
  });

  test('of a saga that the service has no part in is an error', async () => {
    const app = await service('shop', [PlaceSteps]);
    const id = randomUUID();
    await expect(app.get(Sagas).requestAbort(id, 'why')).rejects.toMatchObject({
      code: 'SAGA_NOT_FOUND',
      message: `Service "shop" has no part in a saga ${id}.`,
    });
    const sagas = await shop();
    await expect(sagas.requestAbort('nonsense', 'why')).rejects.toMatchObject({ code: 'SAGA_NOT_FOUND' });
  });

  test('may come from an application that only watches', async () => {
    const watching = await startedOn(await freshDatabase(), {
      imports: [SagaTrackerModule],
      saga: { service: 'watch', transport, sagas: [Order] },
    });
    const sagas = await shop();
    const { sagaId } = await sagas.start(Order, { orderId: 'o1' });
    await eventually(async () => expect(await watching.get(Sagas).status(sagaId)).toBeDefined());
    expect(await watching.get(Sagas).requestAbort(sagaId, 'by an operator')).toBe('requested');
    await service('rest', [ReserveSteps, ChargeSteps, ShipSteps]);
    expect(await sagas.settled(sagaId, { timeout: 20_000 })).toMatchObject({ status: 'aborted' });
  });
});
