import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { tablesOf } from '../../libs/saga/src/adapters/typeorm/tables.js';
import { purgeHistory } from '../../libs/saga/src/tracker/history-purge.js';
import { connected, PostgresScene } from './postgres-scene.js';

const many = 60_000;
const hour = 3_600_000;

/** A service that has run for long: most of its rows concern nobody any more, and a thousand records wait for each person. */
const history = [
  `INSERT INTO saga_step (saga_id, step, saga_type, saga_version, status, attempts, version, next_attempt_at, settled_at)
   SELECT md5((n / 3)::text)::uuid, 'step' || n % 3, 'order', 1, 'done', 0, 1,
     CASE WHEN n % 30 = 0 THEN now() - n * interval '1 ms' END, CASE WHEN n % 30 <> 0 THEN now() - n * interval '1 s' END
   FROM generate_series(1, ${many}) n`,
  `INSERT INTO saga_timer SELECT saga_id, step, 'deadline', 'order', 1, now() + (random() - 0.5) * interval '1 hour' FROM saga_step`,
  `INSERT INTO saga_outbox SELECT gen_random_uuid(), '{}', now() - random() * interval '100 s' FROM generate_series(1, ${many})`,
  `INSERT INTO saga_dead_letter (id, kind, reason, details, saga_id, step, created_at, settled_at)
   SELECT gen_random_uuid(), CASE n % 2 WHEN 0 THEN 'record' ELSE 'compensation' END, 'boom', '{}', gen_random_uuid(), 'step',
     now() - n * interval '1 s', CASE n % 2 WHEN 1 THEN now() - n * interval '1 s' END FROM generate_series(1, ${many}) n`,
  `INSERT INTO saga_instance (saga_id, saga_type, saga_version, status, steps, inconsistencies, correlation_id, started_at, updated_at)
   SELECT gen_random_uuid(), 'order', 1, CASE n % 100 WHEN 0 THEN 'running' ELSE 'completed' END, '{}', '{}', 'c', now(), now() - random() * interval '16 hours'
   FROM generate_series(1, ${many}) n`,
  "INSERT INTO saga_event SELECT saga_id, 'm' || n, 'order', '{}' FROM saga_instance, generate_series(1, 2) n",
  'ANALYZE',
];

let scene: PostgresScene;
/** One connection, which counts what it reads. */
let counted: DataSource;
let store: TypeOrmStore;

beforeAll(async () => {
  scene = await PostgresScene.open();
  for (const statement of history) await scene.dataSource.query(statement);
  counted = await connected(scene.url, { poolSize: 1 });
  store = new TypeOrmStore(counted);
});
afterAll(async () => {
  await counted.destroy();
  await scene.close();
});

/** Rows of tables and entries of indexes that were read since the database began. */
async function read(): Promise<number> {
  await counted.query('SELECT pg_stat_force_next_flush()');
  const [{ count }] = await counted.query<[{ count: number }]>(
    `SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes))::integer AS count`,
  );
  return count;
}

const keys = Array.from({ length: 50 }, (_, index) => ({ sagaId: randomUUID(), step: `step${index % 3}` }));

const looks: Readonly<Record<string, () => Promise<unknown>>> = {
  'locks the rows of a batch': () => store.transaction(keys, async () => undefined),
  'claims attempts': () => store.claimDue(200, 30_000),
  'asks when the next attempt is due': () => store.nextDue(),
  'asks when the next timer is due': () => store.timers.nextDue(),
  'sweeps the outbox': () => store.outbox.sweep(200, 5_000, async (messages) => messages.map(({ id }) => id)),
  'looks for parked versions': () => store.deadLetters.list({ state: 'open', kind: 'version', limit: 1 }),
  'looks for parked events of a version': () =>
    store.deadLetters.list({ state: 'open', kind: 'version', sagaType: 'order', sagaVersion: 2, limit: 100 }),
  'tells of parked steps': () => store.deadLetters.list({ state: 'open', kind: 'undecided', limit: 100 }),
  'lists open dead letters': () => store.deadLetters.list({ state: 'open', limit: 100 }),
  'purges rows': () => store.retention.purgeRows(hour, 200),
  'purges dead letters': () => store.retention.purgeLetters(hour, 200),
  'purges the history': () => purgeHistory(counted, tablesOf(counted), hour, 200),
};

describe('with tables of 60,000 rows, a service reads a few thousand at most when it', () => {
  it.each(Object.entries(looks))('%s', async (_what, look) => {
    const before = await read();
    await look();
    expect((await read()) - before).toBeLessThan(6_000);
  });
});
