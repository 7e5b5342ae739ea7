import { getDataSourceToken } from '@nestjs/typeorm';
import type { TestingModule } from '@nestjs/testing';
import { SagaTrackerModule, Sagas, inMemory, type SagaModuleOptions } from 'nest-saga';
import type { DataSource } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Order } from './order-saga.js';
import { allSteps } from './order-steps.js';
import { eventually } from './scene.js';

let url: string;
beforeEach(async () => void (url = await freshDatabase()));

const retention = { keep: 1_500, margin: 0, every: 200, batchSize: 50 };

function shop(saga: Partial<SagaModuleOptions> = {}, log?: LogLines): Promise<TestingModule> {
  return startedOn(url, {
    providers: allSteps,
    imports: [SagaTrackerModule],
    saga: { transport: inMemory(), ...saga },
    ...(log && { log }),
  });
}

const countOf = async (app: TestingModule, table: string, where = 'true'): Promise<number> => {
  const sql = `SELECT count(*)::integer AS count FROM ${table} WHERE ${where}`;
  const [{ count }] = await app.get<DataSource>(getDataSourceToken()).query<[{ count: number }]>(sql);
  return count;
};

describe('a service that purges', () => {
  test('while sagas run: each ends as it would, and later nothing of them is left, with the tracker', async () => {
    const app = await shop({ retention });
    const sagas = app.get(Sagas);
    const ended: Promise<string>[] = [];
    for (let index = 0; index < 120; index += 1) {
      const { sagaId } = await sagas.start(Order, { orderId: `o${index}`, quantity: index % 3 === 0 ? 11 : 1 });
      ended.push(sagas.settled(sagaId, { timeout: 30_000 }).then(({ status }) => status));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const statuses = await Promise.all(ended);
    expect(statuses.filter((status) => status === 'aborted')).toHaveLength(40);
    expect(statuses.filter((status) => status === 'completed')).toHaveLength(80);
    await eventually(async () => {
      const left = await Promise.all(['saga_step', 'saga_instance', 'saga_event'].map((table) => countOf(app, table)));
      expect(left).toEqual([0, 0, 0]);
    });
  });

  test('works 10,000 rows off in batches, and leaves what is open, what waits for a person and what is audited', async () => {
    const app = await shop({ consume: 'manual' });
    const dataSource = app.get<DataSource>(getDataSourceToken());
    await dataSource.query(`
      INSERT INTO saga_step (saga_id, step, saga_type, saga_version, status, attempts, version, updated_at, settled_at)
      SELECT gen_random_uuid(), 'place', 'order', 1, 'compensated', 0, 1, now() - interval '1 day', now() - interval '1 day'
      FROM generate_series(1, 10000);
      INSERT INTO saga_step (saga_id, step, saga_type, saga_version, status, attempts, version, updated_at)
      SELECT gen_random_uuid(), 'place', 'order', 1, status, 0, 1, now() - interval '1 day'
      FROM unnest(ARRAY['none','running','done','compensating','deadLettered','rejected','cancelled','compensated']) AS status;
      INSERT INTO saga_dead_letter (id, kind, reason, details, settled_at, settled_as, settled_by)
      SELECT gen_random_uuid(), 'record', 'old', '{}', settled_at, 'redriven', 'ada'
      FROM unnest(ARRAY[NULL, now() - interval '1 day']) AS settled_at;
      INSERT INTO saga_audit (id, at, verb, actor, reason, verdict, because, details)
      VALUES (gen_random_uuid(), now() - interval '1 year', 'waive', 'ada', 'old', 'applied', '', '{}');
      INSERT INTO saga_instance (saga_id, saga_type, saga_version, status, steps, inconsistencies, correlation_id, started_at, updated_at, debts)
      SELECT gen_random_uuid(), 'order', 1, status, '{}', '{}', 'c', now() - interval '1 day', now() - interval '1 day', debts::text[]
      FROM (VALUES ('completed', '{}'), ('aborted', '{}'), ('aborted', '{place}'), ('running', '{}'), ('compensating', '{}'), ('needsIntervention', '{}')) AS v (status, debts)`);
    await app.close();
    const log = new LogLines();
    const purging = await shop({ retention: { ...retention, keep: 3_600_000, batchSize: 500 } }, log);
    await eventually(async () => expect(await countOf(purging, 'saga_step', 'settled_at IS NOT NULL')).toBe(0));
    await eventually(async () => expect(await countOf(purging, 'saga_instance')).toBe(4));
    expect(await countOf(purging, 'saga_step')).toBe(8);
    expect(await countOf(purging, 'saga_dead_letter')).toBe(1);
    expect(await countOf(purging, 'saga_audit')).toBe(1);
    expect(await countOf(purging, 'saga_instance', "cardinality(debts) > 0 OR status NOT IN ('completed', 'aborted')")).toBe(4); // prettier-ignore
  });

  test('keeps the history of the tracker for longer where it is told to', async () => {
    const app = await shop({ retention: { ...retention, keep: 300, history: 60_000 } });
    const { sagaId } = await app.get(Sagas).start(Order, { orderId: 'o1' });
    await app.get(Sagas).settled(sagaId, { timeout: 20_000 });
    await eventually(async () => expect(await countOf(app, 'saga_step')).toBe(0));
    expect(await app.get(Sagas).status(sagaId)).toMatchObject({ status: 'completed' });
  });
});

test('a service that does not purge keeps everything', async () => {
  const app = await shop();
  const { sagaId } = await app.get(Sagas).start(Order, { orderId: 'o1' });
  await app.get(Sagas).settled(sagaId, { timeout: 20_000 });
  expect(await countOf(app, 'saga_step')).toBe(4);
  expect(await countOf(app, 'saga_step', 'settled_at IS NOT NULL')).toBe(0);
});
