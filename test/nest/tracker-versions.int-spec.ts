import { getDataSourceToken } from '@nestjs/typeorm';
import { SagaTracker, SagaTrackerModule, defineSaga, inMemory } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { Order, OrderPlaced, OrderShipped } from './order-saga.js';
import { eventually } from './scene.js';
import { TrackerScene, done, historyOf, type Fact } from './tracker-scene.js';

const OrderV2 = defineSaga(
  'order',
  { place: { emits: OrderPlaced }, ship: { after: 'place', kind: 'pivot', emits: OrderShipped } },
  { version: 2 },
);
const shipped: readonly Fact[] = [
  ['place', 'done'],
  ['ship', 'done'],
];

describe('a tracker that knows two versions', () => {
  test('folds each saga by its own', async () => {
    const scene = new TrackerScene(await freshDatabase());
    const app = await scene.tracking('watch', undefined, [Order, OrderV2]);
    const [first, second] = [randomUUID(), randomUUID()];
    await scene.send(first, done);
    await scene.send(second, shipped, shipped, 2);
    await eventually(
      async () =>
      expect(await app.get(SagaTracker).find(second)).toMatchObject({ version: 2, status: 'completed', steps: { ship: 'done' } }), // prettier-ignore
    );
    expect(await app.get(SagaTracker).find(first)).toMatchObject({ version: 1, status: 'completed' });
  });
});

describe('a tracker that does not know a version', () => {
  test('logs its events, claims no state, and the one that comes after it folds them by itself', async () => {
    const scene = new TrackerScene(await freshDatabase());
    const old = await scene.tracking('watch', undefined, [Order]);
    const sagaId = randomUUID();
    await scene.send(sagaId, shipped, shipped, 2);
    await eventually(async () =>
      expect(historyOf(await old.get(SagaTracker).find(sagaId))).toEqual(['place done', 'ship done']),
    );
    expect(await old.get(SagaTracker).find(sagaId)).toMatchObject({ version: 2, status: 'unknown', steps: {} });
    const app = await startedOn(scene.url, {
      imports: [SagaTrackerModule],
      saga: { service: 'watch', transport: inMemory(), sagas: [Order, OrderV2] },
    });
    await eventually(async () =>
      expect(await app.get(SagaTracker).find(sagaId)).toMatchObject({ version: 2, status: 'completed' }),
    );
  });

  test('leaves the state that another process saw as it is', async () => {
    const scene = new TrackerScene(await freshDatabase());
    const late = await scene.tracking('watch', undefined, [Order, OrderV2]);
    const sagaId = randomUUID();
    await scene.send(sagaId, shipped.slice(0, 1), undefined, 2);
    await eventually(async () => expect((await late.get(SagaTracker).find(sagaId))?.status).toBe('running'));
    await late.close();
    const old = await scene.tracking('watch', undefined, [Order]);
    await scene.send(sagaId, shipped, shipped.slice(1), 2);
    await eventually(async () => {
      const unfolded = await old.get<DataSource>(getDataSourceToken()).query('SELECT saga_id FROM saga_instance WHERE unfolded'); // prettier-ignore
      expect(unfolded).toEqual([{ saga_id: sagaId }]);
    });
    expect(await old.get(SagaTracker).find(sagaId)).toMatchObject({ status: 'running', steps: { place: 'done' } });
  });
});
