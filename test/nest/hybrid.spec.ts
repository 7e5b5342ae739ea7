import type { INestApplication } from '@nestjs/common';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { SagaServer, Sagas, inMemory, type SagaModuleOptions } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Transport } from '../../libs/saga/src/ports/transport.js';
import { Order, OrderPlaced, StockReserved } from './order-saga.js';
import { PlaceSteps, ReserveSteps, Seen } from './order-steps.js';
import { compiled, eventually, started } from './scene.js';

type Factory = SagaModuleOptions['transport'];

/** The service that starts orders. */
async function shopOn(transport: Factory): Promise<(orderId: string) => Promise<unknown>> {
  const shop = await started({ providers: [PlaceSteps], saga: { transport } });
  return (orderId) => shop.get(Sagas).start(Order, { orderId });
}

/** The same transport, with the groups that were joined. */
function watched(transport: Factory): { readonly transport: Factory; readonly groups: string[] } {
  const groups: string[] = [];
  return {
    groups,
    transport: (context) => {
      const inner: Transport = transport(context);
      const subscribe: Transport['subscribe'] = (subscription) => {
        groups.push(subscription.group);
        return inner.subscribe(subscription);
      };
      return Object.assign(Object.create(inner) as Transport, { subscribe });
    },
  };
}

async function stock(saga: Partial<SagaModuleOptions>): Promise<INestApplication> {
  const module = await compiled({ providers: [ReserveSteps, Seen], saga: { service: 'stock', ...saga } });
  const app = module.createNestApplication();
  onTestFinished(() => app.close());
  return app;
}

const listen = (app: INestApplication): Promise<unknown> => app.listen(0, '127.0.0.1');

describe('a hybrid application', () => {
  const orders: [string, (app: INestApplication) => Promise<unknown>][] = [
    [
      'startAllMicroservices, listen (as in the docs of Nest)',
      (app) => app.startAllMicroservices().then(() => listen(app)),
    ],
    [
      'init, startAllMicroservices, listen',
      async (app) => {
        await app.init();
        await app.startAllMicroservices();
        await listen(app);
      },
    ],
    ['listen, startAllMicroservices', (app) => listen(app).then(() => app.startAllMicroservices())],
  ];

  describe.each(orders)('that starts by %s', (_order, start) => {
    test.each(['bootstrap', 'manual'] as const)(
      'loses nothing and joins its group once (consume: %s)',
      async (consume) => {
        const bus = inMemory();
        const { transport, groups } = watched(bus);
        const place = await shopOn(bus);
        const app = await stock({ transport, consume });
        app.connectMicroservice<MicroserviceOptions>({ strategy: app.get(SagaServer) });
        const ids = Array.from({ length: 30 }, (_, index) => `o${String(index).padStart(2, '0')}`);
        const placing = (async () => {
          for (const id of ids) {
            await place(id);
            await sleep(3);
          }
        })();
        await start(app);
        await placing;
        const seen = app.get(Seen);
        await eventually(() => expect(seen.of(StockReserved)).toHaveLength(ids.length));
        expect(seen.of(StockReserved).toSorted()).toEqual(ids);
        expect(seen.of(OrderPlaced).toSorted()).toEqual(ids);
        expect(groups).toEqual(['stock']);
      },
    );
  });

  test('whose consumption is manual consumes nothing until its microservice is started', async () => {
    const bus = inMemory();
    const { transport, groups } = watched(bus);
    const place = await shopOn(bus);
    const app = await stock({ transport, consume: 'manual' });
    await place('o1');
    await listen(app);
    await sleep(50);
    expect(groups).toEqual([]);
    expect(app.get(Seen).events).toEqual([]);
    app.connectMicroservice<MicroserviceOptions>({ strategy: app.get(SagaServer) });
    await app.startAllMicroservices();
    await eventually(() => expect(app.get(Seen).of(StockReserved)).toEqual(['o1']));
  });

  test('with deferInitialization, where Nest runs every hook twice, does each step once', async () => {
    const bus = inMemory();
    const { transport, groups } = watched(bus);
    const place = await shopOn(bus);
    let reserved = 0;
    class Counting extends ReserveSteps {
      override reserve(placed: OrderPlaced): StockReserved {
        reserved += 1;
        return super.reserve(placed);
      }
    }
    const module = await compiled({ providers: [Counting], saga: { service: 'stock', transport } });
    const app = module.createNestApplication();
    onTestFinished(() => app.close());
    app.connectMicroservice<MicroserviceOptions>(
      { strategy: app.get(SagaServer) },
      { inheritAppConfig: false, deferInitialization: true },
    );
    await app.startAllMicroservices();
    await listen(app);
    await place('o1');
    await eventually(() => expect(reserved).toBe(1));
    await sleep(30);
    expect(reserved).toBe(1);
    expect(groups).toEqual(['stock']);
  });

  test('finishes what is in hand when it is closed, and lets go of the transport last', async () => {
    const bus = inMemory();
    const place = await shopOn(bus);
    const finished: string[] = [];
    class Slow extends ReserveSteps {
      started = 0;
      override reserve(placed: OrderPlaced): never {
        this.started += 1;
        return sleep(60).then(() => {
          finished.push(placed.orderId);
          return super.reserve(placed);
        }) as never;
      }
    }
    const module = await compiled({ providers: [Slow, Seen], saga: { service: 'stock', transport: bus } });
    const app = module.createNestApplication();
    app.connectMicroservice<MicroserviceOptions>({ strategy: app.get(SagaServer) });
    await app.startAllMicroservices();
    await listen(app);
    await place('o1');
    await eventually(() => expect(app.get(Slow).started).toBe(1));
    const transport = app.get(SagaServer).unwrap();
    await app.close();
    expect(finished).toEqual(['o1']);
    expect(app.get(Seen).of(StockReserved)).toEqual(['o1']);
    expect(transport.health().up).toBe(false);
  });
});

test('a pure microservice whose strategy is the saga server takes part and closes', async () => {
  const bus = inMemory();
  const place = await shopOn(bus);
  const module = await compiled({ providers: [ReserveSteps, Seen], saga: { service: 'stock', transport: bus } });
  const app = module.createNestMicroservice<MicroserviceOptions>({ strategy: module.get(SagaServer) });
  await app.listen();
  await place('o1');
  await eventually(() => expect(app.get(Seen).of(StockReserved)).toEqual(['o1']));
  await app.close();
  expect(module.get(SagaServer).unwrap().health().up).toBe(false);
});

test('a transport that cannot be joined stops the application from starting, and the application can still be closed', async () => {
  const bus = inMemory();
  let drained = false;
  const transport: Factory = (context) =>
    Object.assign(Object.create(bus(context)) as Transport, {
      subscribe: () => Promise.reject(new Error('no broker')),
      drain: async () => void (drained = true),
      close: async () => undefined,
    });
  const app = await compiled({ providers: [ReserveSteps], saga: { service: 'stock', transport } });
  await expect(app.init()).rejects.toThrow('no broker');
  await app.close();
  expect(drained).toBe(true);
});

test('a start that is in hand when an application closes that never consumed is finished first', async () => {
  class Slow extends PlaceSteps {
    override place(order: { orderId: string; quantity: number }): never {
      return sleep(40).then(() => super.place(order)) as never;
    }
  }
  const app = await compiled({ providers: [Slow], saga: { consume: 'manual' }, cqrs: [] });
  await app.init();
  let settled = false;
  const start = app
    .get(Sagas)
    .start(Order, { orderId: 'o1' })
    .finally(() => (settled = true));
  await app.close();
  expect(settled).toBe(true);
  expect((await start).step).toBe('done');
});
