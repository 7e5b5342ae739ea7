import { types } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Order } from '../nest/order-saga.js';
import { businessStoreContract, storeContract } from '../../libs/saga/src/testing/store-contract.js';
import { snapshotOf } from '../../libs/saga/src/tracker/tracker-tables.js';
import { tablesOf } from '../../libs/saga/src/adapters/typeorm/tables.js';
import { TypeOrmLocks } from '../../libs/saga/src/adapters/typeorm/typeorm-locks.js';
import { PostgresScene } from './postgres-scene.js';

const {
  BOOL,
  BYTEA,
  INT8,
  INT2,
  INT4,
  JSON: DOCUMENT,
  FLOAT4,
  FLOAT8,
  TIMESTAMP,
  TIMESTAMPTZ,
  NUMERIC,
  UUID,
  JSONB,
  TEXT,
} = types.builtins;

/** All that the library reads from Postgres: numbers, points in time, documents, bytes, ids, booleans. */
const read = [BOOL, BYTEA, INT8, INT2, INT4, DOCUMENT, FLOAT4, FLOAT8, TIMESTAMP, TIMESTAMPTZ, NUMERIC, UUID, JSONB];

const settings = [
  'DateStyle=SQL,DMY',
  'IntervalStyle=sql_standard',
  'TimeZone=Asia/Kathmandu',
  'bytea_output=escape',
  'extra_float_digits=0',
  'search_path=pg_catalog',
];

describe('whatever an application makes of the types of columns, for the whole process, and of the settings of its connections', () => {
  let scene: PostgresScene;
  const all = [...read, TEXT];
  const before = all.map((oid) => types.getTypeParser(oid));

  beforeAll(async () => {
    const options = settings.map((setting) => `-c ${setting}`).join(' ');
    scene = await PostgresScene.open({ schema: 'public', extra: { options }, parseInt8: true });
    for (const oid of read) types.setTypeParser(oid, () => 'what the application makes of it');
    types.setTypeParser(TEXT, (text) => (/^[{"\d]/.test(text) ? 'of a document' : text));
  });
  afterAll(async () => {
    for (const [index, oid] of all.entries()) types.setTypeParser(oid, before[index]);
    await scene.close();
  });

  it.each(storeContract)('the store keeps its promises: $title', async ({ run }) => {
    await expect(run(await scene.emptied())).resolves.toBeUndefined();
  });

  it.each(businessStoreContract)('and those about business rows: $title', async ({ run }) => {
    await expect(run(await scene.emptied())).resolves.toBeUndefined();
  });

  it('the tracker and the locks read what they wrote', async () => {
    const { dataSource } = scene;
    const tables = tablesOf(dataSource);
    const sagaId = '018f0000-0000-7000-8000-000000000001';
    await dataSource.query(
      `INSERT INTO ${tables.instance} VALUES ('${sagaId}', '${Order.name}', 1, 'completed', '{"place":"done"}', '{}', 'c', now(), now())`,
    );
    expect(await snapshotOf(dataSource, tables, sagaId)).toEqual({
      sagaId,
      saga: Order.name,
      version: 1,
      status: 'completed',
      steps: { place: 'done' },
      inconsistencies: [],
      debts: [],
      correlationId: 'c',
    });
    const locks = new TypeOrmLocks(dataSource);
    expect(await locks.take('order:1', { sagaId, step: 'place' })).toBeUndefined();
    expect(await locks.holder('order:1')).toEqual({ sagaId, step: 'place' });
  });
});
