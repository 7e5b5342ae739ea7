import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TypeOrmLocks } from '../../libs/saga/src/adapters/typeorm/typeorm-locks.js';
import { OwnTransactionNeeded, type RunOptions } from '../../libs/saga/src/ports/step-store.js';
import { Scene } from '../../libs/saga/src/testing/store-contract-scene.js';
import { PostgresScene } from './postgres-scene.js';

// What a step changes of its transaction beside rows.

let scene: PostgresScene;
let made: Scene;
const role = `tenant_${randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  scene = await PostgresScene.open({ poolSize: 2 });
  await scene.otherDataSource.query(`CREATE ROLE ${role}`);
  await scene.otherDataSource.query(`GRANT INSERT, SELECT ON line TO ${role}`);
});
afterAll(async () => {
  await scene.otherDataSource.query(`DROP OWNED BY ${role}`);
  await scene.otherDataSource.query(`DROP ROLE ${role}`);
  await scene.close();
});
beforeEach(async () => void (made = new Scene(await scene.emptied())));

const say = (text: string, values: unknown[] = []): Promise<unknown> => scene.dataSource.query(text, values);

/** A step that says something, with its row and its event. */
async function step(isShared: boolean, method: () => Promise<unknown>, how?: RunOptions): Promise<void> {
  const row = made.row();
  await scene.store.transaction(
    [row],
    async (transaction) => {
      await transaction.run(method, how);
      await transaction.save({ rows: [row], staged: [made.message()], published: [] });
    },
    { isShared },
  );
  expect(await scene.store.find(row.sagaId)).toHaveLength(1);
}

const settings: Record<string, () => Promise<unknown>> = {
  'a setting': () => say(`SELECT set_config('app.tenant', $1, true)`, ['acme']),
  'a role': () => say(`SET LOCAL ROLE ${role}`),
  'a search path': () => say('SET LOCAL search_path = pg_catalog'),
  'a search path that hides what the library says': async () => {
    await say('CREATE SCHEMA IF NOT EXISTS hostile');
    await say(
      `CREATE OR REPLACE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'`,
    );
    await say('SET LOCAL search_path = hostile, pg_catalog');
  },
  'row security': () => say('SET LOCAL row_security = off'),
  'a way to write dates': () => say(`SET LOCAL DateStyle = 'SQL, DMY'`),
  'a time zone': () => say(`SET LOCAL TIME ZONE 'Asia/Kathmandu'`),
  'a timeout': () => say(`SET LOCAL statement_timeout = '1s'`),
  'an encoding': () => say(`SET LOCAL client_encoding = 'LATIN1'`),
  'a temporary table': () => say('CREATE TEMP TABLE scratch (id text)'),
  'a temporary table that is selected': () => say('SELECT 1 AS n INTO TEMP scratch'),
  constraints: () => say('SET CONSTRAINTS ALL DEFERRED'),
  'an advisory lock': () => say('SELECT pg_advisory_xact_lock(42)'),
  'a cursor': () => say('DECLARE mine CURSOR FOR SELECT 1'),
  'a setting in a block': () => say(`DO $$ BEGIN PERFORM set_config('app.tenant', 'acme', true); END $$`),
};

describe('a step that changes its transaction', () => {
  it.each(Object.entries(settings))(
    'needs one of its own, whatever its method makes of the error: %s',
    async (_, set) => {
      await expect(step(true, () => set().catch(() => undefined))).rejects.toBeInstanceOf(OwnTransactionNeeded);
    },
  );

  it.each(Object.entries(settings))(
    'in one of its own is committed with its row and event, and leaves nothing behind: %s',
    async (_, set) => {
      for (const id of ['one', 'two', 'three']) {
        await step(false, async () => {
          await say('INSERT INTO line (id) VALUES ($1)', [id]);
          await set();
        });
      }
      expect(await scene.lines()).toEqual(['one', 'three', 'two']);
      const [left] = await scene.dataSource.query<[object]>(
        `SELECT current_setting('role') AS role, NULLIF(current_setting('app.tenant', true), '') AS tenant, to_regclass('pg_temp.scratch') AS scratch`,
      );
      expect(left).toEqual({ role: 'none', tenant: null, scratch: null });
    },
  );

  it('does not see what the step before it on the connection has set', async () => {
    const seen: unknown[] = [];
    for (const tenant of ['acme', undefined]) {
      await step(false, async () => {
        if (tenant) await say(`SELECT set_config('app.tenant', $1, true)`, [tenant]);
        seen.push(...((await say(`SELECT NULLIF(current_setting('app.tenant', true), '') AS tenant`)) as unknown[]));
      });
    }
    expect(seen).toEqual([{ tenant: 'acme' }, { tenant: null }]);
  });

  it('hidden in a function is what it is declared to be: the library works on', async () => {
    await say(`CREATE OR REPLACE FUNCTION be(who text) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN PERFORM set_config('role', who, true); PERFORM set_config('search_path', 'pg_catalog', true); END $$`);
    await step(
      false,
      async () => {
        await say('SELECT be($1)', [role]);
        await say(`INSERT INTO public.line (id) VALUES ('as the tenant')`);
      },
      { changesSettings: true },
    );
    expect(await scene.lines()).toEqual(['as the tenant']);
  });

  it('takes a semantic lock as the service, though it is somebody else', async () => {
    const locks = new TypeOrmLocks(scene.dataSource);
    await step(false, async () => {
      await say(`SET LOCAL ROLE ${role}`);
      await locks.take('order:1', { sagaId: randomUUID(), step: 'one' });
      await say(`INSERT INTO line (id) VALUES ('as the tenant')`);
      expect(await say('SELECT current_user::text AS who')).toEqual([{ who: role }]);
    });
    expect(await locks.holder('order:1')).toBeDefined();
  });

  it('in a savepoint that is rolled back leaves nothing to put right', async () => {
    await step(false, async () => {
      const inside = scene.dataSource.transaction(async (manager) => {
        await manager.query(`SET LOCAL ROLE ${role}`);
        await manager.query('CREATE TEMP TABLE scratch (id text)');
        throw new Error('boom');
      });
      await expect(inside).rejects.toThrow('boom');
    });
  });
});

describe('what would outlive the step', () => {
  it.each([
    `SET app.tenant = 'acme'`,
    `SET ROLE ${role}`,
    `SELECT set_config('app.tenant', 'acme', false)`,
    'RESET ALL',
    'DISCARD TEMP',
    'PREPARE mine AS SELECT 1',
    'LISTEN mine',
    'SELECT pg_advisory_lock(42)',
    'DECLARE mine CURSOR WITH HOLD FOR SELECT 1',
    'SET TRANSACTION READ ONLY',
  ])('is refused: %s', async (text) => {
    const refused = { code: 'SESSION_OF_THE_POOL' };
    await expect(step(false, () => say(text))).rejects.toMatchObject(refused);
    await expect(step(true, () => say(text))).rejects.toMatchObject(refused);
  });
});
