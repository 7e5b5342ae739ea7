import { inMemory, Sagas } from 'nest-saga';
import { expect, test } from 'vitest';
import { MemoryStore } from 'nest-saga/testing';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { Order } from './order-saga.js';
import { ChargeSteps, PlaceSteps, ReserveSteps, ShipSteps } from './order-steps.js';
import { eventually, started } from './scene.js';

test('a service that purges hears that its saga has committed, and refuses to abort it without a tracker', async () => {
  const transport = inMemory();
  const store = new MemoryStore(systemClock);
  const retention = { keep: 60_000 };
  const shop = await started({ providers: [PlaceSteps], saga: { transport, store: () => store, retention } });
  await started({ providers: [ReserveSteps, ChargeSteps, ShipSteps], saga: { transport, service: 'rest' } });
  const { sagaId } = await shop.get(Sagas).start(Order, { orderId: 'o1' });
  await eventually(async () =>
    expect(await store.find(sagaId)).toMatchObject([{ step: 'place', status: 'done', settled: true }]),
  );
  expect(await shop.get(Sagas).requestAbort(sagaId, 'too late')).toBe('refused');
});

test('a saga that closed backwards leaves settled rows only', async () => {
  const store = new MemoryStore(systemClock);
  const providers = [PlaceSteps, ReserveSteps, ChargeSteps, ShipSteps];
  const app = await started({ providers, saga: { store: () => store, retention: { keep: 60_000 } } });
  const { sagaId } = await app.get(Sagas).start(Order, { orderId: 'o1', quantity: 11 });
  await eventually(async () =>
    expect(new Set((await store.find(sagaId)).map((row) => `${row.step} ${row.status} ${row.settled}`))).toEqual(
      new Set(['place compensated true', 'reserve compensated true', 'charge rejected true', 'ship cancelled true']),
    ),
  );
});
