import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { FenceConflict, StoreFailure } from '../../libs/saga/src/ports/step-store.js';
import { Scene } from '../../libs/saga/src/testing/store-contract-scene.js';
import { connected, Line, PostgresScene } from './postgres-scene.js';

// Whose an error is: the method's, the database's, or that of another database that the method has to do with.

let scene: PostgresScene;
let made: Scene;
const told: string[] = [];

beforeAll(async () => {
  scene = await PostgresScene.open();
  await scene.otherDataSource.query(`
    CREATE TABLE parent (id text PRIMARY KEY);
    CREATE TABLE child (id text REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'too many of them'; END $$;
    CREATE TABLE guarded (id text);
    CREATE CONSTRAINT TRIGGER guard AFTER INSERT ON guarded DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();`);
});
afterAll(() => scene.close());
beforeEach(async () => {
  made = new Scene(await scene.emptied());
  told.splice(0);
});

/** What became of a transaction in which a method ran. */
async function ended(method: () => Promise<unknown>, dataSource = scene.dataSource): Promise<unknown> {
  const store = new TypeOrmStore(dataSource, undefined, { error: (line) => void told.push(line) });
  const row = made.row({ status: 'done' });
  const work = store.transaction([row], async (transaction) => {
    await transaction.run(method);
    await transaction.save({ rows: [row], staged: made.messages(1), published: [] });
    return 'committed';
  });
  return work.catch((error: unknown) => error);
}

const query = (text: string) => (): Promise<unknown> => scene.dataSource.query(text);
const swallowed = async (work: Promise<unknown>): Promise<void> => void (await work.catch(() => undefined));
const raising = (code: string): string => `DO $$ BEGIN RAISE 'raised' USING ERRCODE = '${code}'; END $$`;
const ownPid = async (): Promise<number> =>
  (await scene.dataSource.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid'))[0].pid;
const terminate = async (): Promise<void> => {
  const pid = await ownPid();
  await scene.otherDataSource.query('SELECT pg_terminate_backend($1)', [pid]);
  await sleep(50);
};

describe("what is the method's", () => {
  it.each([
    ['a violation that it caught, going on', 'duplicate key', "INSERT INTO line (id) VALUES ('a'), ('a')", 'SELECT 1'],
    [
      'a violation that it caught, and it wrote nothing more',
      'duplicate key',
      "INSERT INTO line (id) VALUES ('a'), ('a')",
    ],
    ['a deferred foreign key', 'foreign key', "INSERT INTO child VALUES ('nobody')"],
    ['a deferred trigger', 'too many of them', "INSERT INTO guarded VALUES ('x')"],
    ['a statement over its timeout', 'statement timeout', 'SET LOCAL statement_timeout = 20', 'SELECT pg_sleep(1)'],
  ])('is told by its first cause: %s', async (_, cause, ...statements) => {
    const error = await ended(async () => {
      for (const statement of statements) await swallowed(query(statement)());
    });
    expect(error).not.toBeInstanceOf(StoreFailure);
    expect((error as Error).message).toContain(cause);
  });

  it('is not what it recovered from with a savepoint', async () => {
    const error = await ended(async () => {
      await swallowed(
        scene.dataSource.transaction((manager) => manager.query("INSERT INTO line (id) VALUES ('a'), ('a')")),
      );
      await scene.dataSource.getRepository(Line).insert({ id: 'b' });
    });
    expect(error).toBe('committed');
    expect(await scene.lines()).toEqual(['b']);
  });

  it('is its own word for an error that it caught', async () => {
    const no = new StepRejected('sold out');
    const error = await ended(async () => {
      await swallowed(query("INSERT INTO line (id) VALUES ('a'), ('a')")());
      throw no;
    });
    expect(error).toBe(no);
  });

  it('is a transaction that it left alone for longer than the database allows', async () => {
    const error = await ended(async () => {
      await scene.dataSource.query('SET LOCAL idle_in_transaction_session_timeout = 30');
      await sleep(150);
    });
    expect(error).not.toBeInstanceOf(StoreFailure);
    expect((error as Error).message).toContain('idle-in-transaction timeout');
  });

  it.each(['57P03', '53300', '40001', '40P01', '25006'])('is the error %s of another database', async (code) => {
    const error = await ended(() => scene.otherDataSource.query(raising(code)));
    expect(error).not.toBeInstanceOf(StoreFailure);
    expect(error).not.toBeInstanceOf(FenceConflict);
    expect((error as Error).message).toContain('raised');
  });
});

describe("what is the database's", () => {
  it.each(['57P01', '57P03', '53100', '53200', '53300', '25006', '08006', '58030'])(
    'is the error %s that a query of the method met, also when it caught it',
    async (code) => {
      expect(await ended(query(raising(code)))).toMatchObject({ name: 'StoreFailure', phase: 'method' });
      const caught = await ended(async () => {
        await swallowed(query(raising(code))());
        throw new StepRejected('no seats');
      });
      expect(caught).toMatchObject({ name: 'StoreFailure', phase: 'method' });
    },
  );

  it('is a connection that is lost in the method, whatever the method makes of it', async () => {
    expect(await ended(terminate)).toMatchObject({ name: 'StoreFailure', phase: 'method', outcome: 'rolledBack' });
    const wrapped = await ended(async () => {
      await terminate();
      await query('SELECT 1')().catch(() => {
        throw new Error('the order could not be written');
      });
    });
    expect(wrapped).toMatchObject({ name: 'StoreFailure', phase: 'method' });
  });

  it('is a connection that cannot be had', async () => {
    const narrow = await connected(scene.url, { poolSize: 1, connectTimeoutMS: 1_000 });
    const holding = narrow.createQueryRunner();
    await holding.connect();
    expect(await ended(() => Promise.resolve(), narrow)).toMatchObject({ name: 'StoreFailure', phase: 'begin' });
    await holding.release();
    await narrow.destroy();
    expect(await ended(() => Promise.resolve(), narrow)).toMatchObject({ name: 'StoreFailure', phase: 'begin' });
  });

  it('is a row that somebody keeps locked for longer than lock_timeout', async () => {
    const impatient = await connected(scene.url, { extra: { options: '-c lock_timeout=50' } });
    const row = await made.saved(made.row());
    const held = made.hold(row, scene.other);
    await held.entered;
    const work = new TypeOrmStore(impatient).transaction([row], () => Promise.resolve());
    const [ending] = await Promise.allSettled([work]);
    await held.release();
    expect(ending).toMatchObject({ status: 'rejected', reason: { name: 'RowsLocked' } });
    await impatient.destroy();
  });

  it('is a server that may not write any more', async () => {
    const error = await ended(query("SELECT set_config('transaction_read_only', 'on', true)"));
    expect(error).toMatchObject({ name: 'StoreFailure', phase: 'commit', outcome: 'rolledBack' });
  });
});

describe('subscribers of the DataSource', () => {
  const heard: string[] = [];
  const subscribing = async (subscriber: object): Promise<DataSource> => {
    heard.splice(0);
    const dataSource = await connected(scene.url);
    dataSource.subscribers.push(subscriber);
    return dataSource;
  };

  it('that fail after the commit take nothing back: the transaction resolves, and the log is told', async () => {
    const dataSource = await subscribing({
      afterTransactionCommit: () => Promise.reject(new Error('the search index is down')),
    });
    expect(await ended(() => dataSource.getRepository(Line).insert({ id: 'a' }), dataSource)).toBe('committed');
    expect(await scene.lines()).toEqual(['a']);
    expect(told).toEqual([expect.stringContaining('the search index is down')]);
    await dataSource.destroy();
  });

  it('that refuse a commit refuse what the method did', async () => {
    const refusal = new Error('not in the small hours');
    const dataSource = await subscribing({ beforeTransactionCommit: () => Promise.reject(refusal) });
    expect(await ended(() => dataSource.getRepository(Line).insert({ id: 'a' }), dataSource)).toBe(refusal);
    expect(await scene.lines()).toEqual([]);
    await dataSource.destroy();
  });

  it('hear of no transaction in which no method ran, so that a failure can be recorded', async () => {
    const dataSource = await subscribing({ beforeTransactionCommit: () => void heard.push('before') });
    const store = new TypeOrmStore(dataSource);
    const row = made.row();
    await store.transaction([row], (transaction) => transaction.save({ rows: [row], staged: [], published: [] }));
    expect(heard).toEqual([]);
    expect(await ended(() => Promise.resolve(), dataSource)).toBe('committed');
    expect(heard).toEqual(['before']);
    await dataSource.destroy();
  });
});
