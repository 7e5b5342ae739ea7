import { inMemory, Sagas } from 'nest-saga';
import { expect, test } from 'vitest';
import { MemoryStore } from 'nest-saga/testing';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { Order } from './order-saga.js';
import { ReserveSteps } from './order-steps.js';
import { NewShopSteps, OldShopSteps, OrderV2, ReserveBothSteps } from './order-versions.js';
import { eventually, started } from './scene.js';

test('two versions of a saga run side by side in one application, each by its own methods', async () => {
  const store = new MemoryStore(systemClock);
  const app = await started({
    providers: [OldShopSteps, NewShopSteps, ReserveBothSteps],
    saga: { store: () => store },
  });
  const first = await app.get(Sagas).start(Order, { orderId: 'o1', quantity: 1 });
  const second = await app.get(Sagas).start(OrderV2, { orderId: 'o2', quantity: 1 });
  await eventually(async () => {
    const rows = [...(await store.find(first.sagaId)), ...(await store.find(second.sagaId))];
    expect(new Set(rows.map(({ headers, step, status }) => `${headers.sagaVersion} ${step} ${status}`))).toEqual(
      new Set([
        '1 place done',
        '1 reserve done',
        '1 charge done',
        '1 ship done',
        '2 place done',
        '2 check done',
        '2 reserve done',
        '2 charge done',
      ]),
    );
  });
  expect(new Set(app.get(ReserveBothSteps).done)).toEqual(new Set(['reserve o1', 'reserve checked o2']));
});

test('a replica of the version before parks what a newer service starts, and the replica that replaces it finishes it', async () => {
  const transport = inMemory();
  const store = new MemoryStore(systemClock);
  const stock = { service: 'stock', transport, store: () => store };
  const shop = await started({ providers: [OldShopSteps, NewShopSteps], saga: { service: 'shop', transport } });
  const old = await started({ providers: [ReserveSteps], saga: stock });
  const { sagaId } = await shop.get(Sagas).start(OrderV2, { orderId: 'o2', quantity: 1 });
  await eventually(
    async () =>
    expect((await store.deadLetters.list({ state: 'open', limit: 10 })).map(({ kind, step }) => `${kind} ${step}`)).toContain('version check'), // prettier-ignore
  );
  await old.close();
  const late = await started({ providers: [ReserveBothSteps], saga: stock });
  await eventually(async () =>
    expect(await store.find(sagaId)).toMatchObject([{ step: 'reserve', status: 'done', headers: { sagaVersion: 2 } }]),
  );
  expect(late.get(ReserveBothSteps).done).toEqual(['reserve checked o2']);
  await eventually(async () => expect(await store.deadLetters.list({ state: 'open', limit: 10 })).toEqual([]));
});
