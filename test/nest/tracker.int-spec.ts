import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import type { TestingModule } from '@nestjs/testing';
import { SagaTracker, SagaTrackerModule, Sagas } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Order } from './order-saga.js';
import { allSteps } from './order-steps.js';
import { eventually, started } from './scene.js';
import { TrackerScene, closed, done, historyOf } from './tracker-scene.js';

let scene: TrackerScene;
beforeEach(async () => {
  scene = new TrackerScene(await freshDatabase());
});

const dataSourceOf = (app: TestingModule): DataSource => app.get<DataSource>(getDataSourceToken());

describe('the tracker', () => {
  test('tells the state, the steps and the history of sagas that completed and that closed backwards', async () => {
    const app = await startedOn(scene.url, {
      providers: allSteps,
      imports: [SagaTrackerModule],
      saga: { transport: scene.transport },
    });
    const completed = await app.get(Sagas).start(Order, { orderId: 'o1' }, { correlationId: 'http-7' });
    const aborted = await app.get(Sagas).start(Order, { orderId: 'o2', quantity: 11 });
    const one = await app.get(Sagas).settled(completed.sagaId, { timeout: 20_000 });
    expect(one).toMatchObject({
      sagaId: completed.sagaId,
      saga: 'order',
      version: 1,
      status: 'completed',
      steps: { place: 'done', reserve: 'done', charge: 'done', ship: 'done' },
      inconsistencies: [],
      correlationId: 'http-7',
    });
    expect(one.history[0]).toEqual({
      id: `${completed.sagaId}:place:done`,
      type: 'order.placed',
      step: 'place',
      outcome: 'done',
      source: '/shop',
      time: expect.any(String) as string,
      data: { orderId: 'o1', quantity: 1 },
    });
    expect(one.history[1]).toMatchObject({ step: 'reserve', causationId: `${completed.sagaId}:place:done` });
    await eventually(async () => {
      const history = historyOf(await app.get(Sagas).status(aborted.sagaId));
      // Nobody waits for the cancelled step: it may be anywhere after what cancelled it.
      expect(history.indexOf('ship cancelled')).toBeGreaterThan(history.indexOf('charge rejected'));
      expect(history.filter((told) => told !== 'ship cancelled')).toEqual([
        'place done',
        'reserve done',
        'charge rejected',
        'reserve compensated',
        'place compensated',
      ]);
    });
    expect(await app.get(Sagas).settled(aborted.sagaId, { timeout: 20_000 })).toMatchObject({
      status: 'aborted',
      steps: { place: 'compensated', reserve: 'compensated', charge: 'rejected', ship: 'cancelled' },
      inconsistencies: [],
    });
  });

  test('knows nothing of an id that it has not seen, and of one that can be none', async () => {
    const app = await scene.tracking();
    const tracker = app.get(SagaTracker);
    expect(await tracker.find(randomUUID())).toBeUndefined();
    expect(await tracker.find('not-an-id')).toBeUndefined();
    expect(await tracker.find('-'.repeat(36))).toBeUndefined();
  });

  test.each([
    ['completed', done],
    ['aborted', closed],
  ] as const)('tells the same of a saga that %s for every order of arrival, with duplicates', async (status, story) => {
    const app = await scene.tracking();
    const tracker = app.get(SagaTracker);
    const orders = permutations(story).filter((_order, index) => story.length < 5 || index % 4 === 0);
    const ids = orders.map(() => randomUUID());
    for (const [index, order] of orders.entries()) {
      await scene.send(ids[index]!, story, [...order, order[0]!, order.at(-1)!]);
    }
    const expected = story.map(([step, outcome]) => `${step} ${outcome}`);
    for (const id of ids) {
      await eventually(async () => expect(historyOf(await tracker.find(id))).toEqual(expected));
      expect(await tracker.find(id)).toMatchObject({ status, inconsistencies: [] });
    }
  });

  test('counts events that come again, and poison, for nothing', async () => {
    const app = await scene.tracking();
    const id = randomUUID();
    await scene.send(id, done, [...done, ...done, ...done]);
    await scene.publish({ topic: 'saga.order', key: '', headers: {}, value: 'no JSON' });
    await scene.send(id, done);
    await eventually(async () => expect((await app.get(SagaTracker).find(id))?.status).toBe('completed'));
    const [{ count }] = await dataSourceOf(app).query<[{ count: number }]>(
      'SELECT count(*)::integer AS count FROM saga_event',
    );
    expect(count).toBe(done.length);
  });

  test('may run in two replicas on one database: they share the work and agree', async () => {
    const first = await scene.tracking();
    const second = await scene.tracking();
    const ids = Array.from({ length: 40 }, () => randomUUID());
    await Promise.all(
      ids.flatMap((id, index) => {
        const story = index % 2 === 0 ? done : closed;
        return [scene.send(id, story), scene.send(id, story, story.toReversed())];
      }),
    );
    for (const [index, id] of ids.entries()) {
      const expected = index % 2 === 0 ? 'completed' : 'aborted';
      await eventually(async () => expect((await first.get(SagaTracker).find(id))?.status).toBe(expected));
      expect(await second.get(SagaTracker).find(id)).toEqual(await first.get(SagaTracker).find(id));
    }
  });

  test('tells the same after it was rebuilt from the first event on', async () => {
    const app = await scene.tracking();
    const ids = Array.from({ length: 12 }, () => randomUUID());
    for (const [index, id] of ids.entries()) {
      const story = index % 2 === 0 ? done : closed;
      await scene.send(id, story, index % 3 === 0 ? story.toReversed() : story);
    }
    const all = (from: TestingModule) => Promise.all(ids.map((id) => from.get(SagaTracker).find(id)));
    const settled = async (from: TestingModule) => {
      await eventually(async () => {
        const statuses = (await all(from)).map((saga) => saga?.status);
        expect(statuses.every((status) => status === 'completed' || status === 'aborted')).toBe(true);
      });
      return rowsOf(from);
    };
    const before = { found: await settled(app).then(() => all(app)), rows: await rowsOf(app) };
    await dataSourceOf(app).query('TRUNCATE saga_event, saga_instance');
    await dataSourceOf(app).query("UPDATE saga_owner SET service = 'watch-again'");
    await app.close();
    const rebuilt = await scene.tracking('watch-again');
    const rows = await settled(rebuilt);
    expect(await all(rebuilt)).toEqual(before.found);
    expect(rows).toEqual(before.rows);
  });

  test('is no part of a saga: sagas finish while it cannot write', async () => {
    const log = new LogLines();
    const tracker = await scene.tracking('watch', log);
    await dataSourceOf(tracker).query('DROP TABLE saga_instance');
    const other = await freshDatabase();
    const app = await startedOn(other, {
      providers: allSteps,
      imports: [SagaTrackerModule],
      saga: { transport: scene.transport },
      log,
    });
    const { sagaId } = await app.get(Sagas).start(Order, { orderId: 'o1' });
    expect(await app.get(Sagas).settled(sagaId, { timeout: 20_000 })).toMatchObject({ status: 'completed' });
    await eventually(() => expect(log.warnings.join()).toContain('Group "watch.tracker": a batch of'));
  });

  test('also works where the service keeps its steps elsewhere than in its database', async () => {
    const app = await started({
      providers: allSteps,
      imports: [TypeOrmModule.forRoot({ type: 'postgres', url: scene.url, retryAttempts: 0 }), SagaTrackerModule],
      saga: { transport: scene.transport },
    });
    const { sagaId } = await app.get(Sagas).start(Order, { orderId: 'o1' });
    expect(await app.get(Sagas).settled(sagaId, { timeout: 20_000 })).toMatchObject({ status: 'completed' });
  });

  test('stops the application from starting where there is no database for it', async () => {
    await expect(started({ providers: allSteps, imports: [SagaTrackerModule] })).rejects.toThrow(
      'Service "shop": there is no default TypeORM DataSource; import TypeOrmModule.forRoot(...), or name another with the option dataSource.',
    );
  });
});

async function rowsOf(app: TestingModule): Promise<readonly object[]> {
  return dataSourceOf(app).query<object[]>(
    'SELECT saga_id, saga_type, saga_version, status, steps, inconsistencies, correlation_id, started_at FROM saga_instance ORDER BY saga_id',
  );
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}
