import { afterEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { migrate } from '../../libs/saga/src/adapters/typeorm/migrations.js';
import { freshDatabase } from '../support/database.js';
import { connected } from './postgres-scene.js';

const open: DataSource[] = [];
afterEach(async () => {
  for (const dataSource of open.splice(0)) await dataSource.destroy();
});

async function replica(url: string, options: Parameters<typeof connected>[1] = {}): Promise<DataSource> {
  const dataSource = await connected(url, options);
  open.push(dataSource);
  return dataSource;
}

async function tables(dataSource: DataSource): Promise<readonly string[]> {
  const rows = await dataSource.query<{ name: string }[]>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
  );
  return rows.map(({ name }) => name);
}

const ours = [
  'saga_audit',
  'saga_dead_letter',
  'saga_event',
  'saga_instance',
  'saga_lock',
  'saga_lock_wait',
  'saga_migration',
  'saga_outbox',
  'saga_owner',
  'saga_step',
  'saga_timer',
];

describe("the library's tables", () => {
  it('are made once by five replicas that start at the same time', async () => {
    for (const isolationLevel of ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'] as const) {
      const url = await freshDatabase();
      const replicas = await Promise.all([1, 2, 3, 4, 5].map(() => replica(url, { isolationLevel })));
      await Promise.all(replicas.map(migrate));
      expect(await tables(replicas[0]!)).toEqual(ours);
      const done = await replicas[0]!.query<{ id: number }[]>('SELECT id FROM saga_migration ORDER BY id');
      expect(done.map(({ id }) => id)).toEqual(done.map((_, index) => index + 1));
    }
  });

  it('stay as they are, with their rows, when they are up to date', async () => {
    const dataSource = await replica(await freshDatabase());
    await migrate(dataSource);
    await dataSource.query("INSERT INTO saga_outbox (id, event) VALUES (gen_random_uuid(), '{}')");
    await migrate(dataSource);
    expect(await dataSource.query('SELECT count(*)::integer AS count FROM saga_outbox')).toEqual([{ count: 1 }]);
  });

  it('are made all or none: a migration that fails leaves nothing, and can be repeated', async () => {
    const dataSource = await replica(await freshDatabase());
    await dataSource.query('CREATE TABLE mine (at integer); CREATE INDEX saga_timer_due ON mine (at)');
    await expect(migrate(dataSource)).rejects.toThrow('already exists');
    expect(await tables(dataSource)).toEqual(['mine']);
    await dataSource.query('DROP TABLE mine');
    await migrate(dataSource);
    expect(await tables(dataSource)).toEqual(ours);
  });

  it('are not made beside a table that has the name of one, and can be once it is gone', async () => {
    const dataSource = await replica(await freshDatabase());
    await dataSource.query('CREATE TABLE saga_outbox (mine text)');
    await expect(migrate(dataSource)).rejects.toThrow(
      'Schema "public" has saga_outbox but not saga_step, saga_event, saga_instance.',
    );
    expect(await tables(dataSource)).toEqual(['saga_outbox']);
    await dataSource.query('DROP TABLE saga_outbox');
    await migrate(dataSource);
    expect(await tables(dataSource)).toEqual(ours);
  });

  it('are in the first schema of the search path: services that share a database have each their own', async () => {
    const url = await freshDatabase();
    const owner = await replica(url);
    for (const service of ['stock', 'payment']) {
      await owner.query(`CREATE SCHEMA ${service}`);
      await migrate(await replica(url, { schema: service, extra: { options: `-c search_path=${service}` } }));
    }
    expect(await tables(owner)).toEqual([]);
    const places = await owner.query(
      "SELECT schemaname AS place FROM pg_tables WHERE tablename = 'saga_step' ORDER BY 1",
    );
    expect(places).toEqual([{ place: 'payment' }, { place: 'stock' }]);
  });
});
