import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import type { FenceRow } from '../../libs/saga/src/ports/fence-row.js';
import { FenceConflict, type StepStore, type StepTransaction } from '../../libs/saga/src/ports/step-store.js';
import { Scene, signal } from '../../libs/saga/src/testing/store-contract-scene.js';
import { connected, Line, PostgresScene } from './postgres-scene.js';

let scene: PostgresScene;
let made: Scene;

beforeAll(async () => void (scene = await PostgresScene.open()));
afterAll(() => scene.close());
beforeEach(async () => void (made = new Scene(await scene.emptied())));

const save = (transaction: StepTransaction, rows: readonly FenceRow[]): Promise<void> =>
  transaction.save({ rows, staged: made.messages(1), published: [] });

/** Every connection of the pool answers as it should, so none came back in a failed transaction. */
async function expectHealthyPool(dataSource: DataSource): Promise<void> {
  const store = new TypeOrmStore(dataSource);
  const rows = Array.from({ length: 12 }, () => made.row());
  await Promise.all(rows.map((row) => store.transaction([row], (transaction) => save(transaction, [row]))));
  for (const row of rows) expect((await made.find(row))?.version).toBe(1);
}

describe('transactions that Postgres does not let pass', () => {
  it('are conflicts when they deadlock on business rows: one of two, and the other commits', async () => {
    await scene.dataSource.getRepository(Line).insert([{ id: 'a' }, { id: 'b' }]);
    const [row, otherRow] = [made.row(), made.row()];
    const [first, second] = [signal(), signal()];
    const crossing = (
      store: StepStore,
      dataSource: DataSource,
      saved: FenceRow,
      mine: string,
      theirs: string,
    ): Promise<void> =>
      store.transaction([saved], async (transaction) => {
        const lines = dataSource.getRepository(Line);
        await transaction.run(async () => {
          await lines.update(mine, { note: saved.sagaId });
          (mine === 'a' ? first : second).give();
          await Promise.all([first.given, second.given]);
          await lines.update(theirs, { note: saved.sagaId });
        });
        await save(transaction, [saved]);
      });
    const endings = await Promise.allSettled([
      crossing(scene.store, scene.dataSource, row, 'a', 'b'),
      crossing(scene.other, scene.otherDataSource, otherRow, 'b', 'a'),
    ]);
    const lost = endings.flatMap((ending) => (ending.status === 'rejected' ? [ending.reason as unknown] : []));
    expect(lost).toEqual([expect.any(FenceConflict)]);
    expect((lost[0] as Error).cause).toMatchObject({ message: expect.stringContaining('deadlock') as string });
    expect(await made.waiting()).toHaveLength(1);
    await expectHealthyPool(scene.dataSource);
  });

  it('are conflicts when they cannot be serialized, in the method and already while they lock rows', async () => {
    const strict = await connected(scene.url, { isolationLevel: 'REPEATABLE READ', poolSize: 2 });
    const store = new TypeOrmStore(strict);
    const row = await made.saved(made.row());
    await scene.dataSource.getRepository(Line).insert({ id: 'a' });
    const inMethod = store.transaction([], (transaction) =>
      transaction.run(async () => {
        await strict.getRepository(Line).find();
        await scene.otherDataSource.getRepository(Line).update('a', { note: 'changed by another' });
        await strict.getRepository(Line).update('a', { note: 'changed' });
      }),
    );
    await expect(inMethod).rejects.toThrow(FenceConflict);

    const held = made.hold(row, scene.other);
    await held.entered;
    const locking = store.transaction([row], (transaction) => save(transaction, transaction.rows));
    const ended = locking.catch((error: unknown) => error);
    await made.quiet();
    await held.release();
    expect(await ended).toBeInstanceOf(FenceConflict);
    expect(await made.find(row)).toMatchObject({ version: 2 });
    await expectHealthyPool(strict);
    await strict.destroy();
  });

  it('leave a healthy pool behind when the statement that locks their rows fails', async () => {
    const narrow = await connected(scene.url, { poolSize: 1 });
    const store = new TypeOrmStore(narrow);
    const noUuid = { ...made.row(), sagaId: 'no uuid' };
    await expect(store.transaction([noUuid], async () => undefined)).rejects.toThrow('invalid input syntax');
    await expectHealthyPool(narrow);
    await narrow.destroy();
  });

  it('leave a healthy pool behind when a method goes on after a statement of its own failed', async () => {
    const narrow = await connected(scene.url, { poolSize: 1 });
    const store = new TypeOrmStore(narrow);
    const lines = narrow.getRepository(Line);
    const row = made.row();
    const work = store.transaction([row], async (transaction) => {
      await transaction.run(async () => {
        await lines.insert({ id: 'twice' });
        await lines.insert({ id: 'twice' }).catch(() => undefined);
      });
      await save(transaction, [row]);
    });
    await expect(work).rejects.toThrow('duplicate key value');
    expect(await scene.lines()).toEqual([]);
    await expectHealthyPool(narrow);
    await narrow.destroy();
  });
});

const connectionLost = /terminat|Connection|released|not queryable/i;

describe('a connection that is lost', () => {
  const backend = async (dataSource: DataSource): Promise<number> => {
    const [{ pid }] = await dataSource.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
    return pid;
  };
  const terminate = (pid: number): Promise<unknown> =>
    scene.otherDataSource.query('SELECT pg_terminate_backend($1)', [pid]);

  it('in the middle of a method rejects the transaction, and nothing of it is left', async () => {
    const row = made.row();
    const work = scene.store.transaction([row], (transaction) =>
      transaction.run(async () => {
        await scene.dataSource.getRepository(Line).insert({ id: 'lost' });
        await terminate(await backend(scene.dataSource));
        await made.quiet();
        await scene.dataSource.getRepository(Line).insert({ id: 'lost too' });
      }),
    );
    await expect(work).rejects.toThrow(connectionLost);
    expect(await scene.lines()).toEqual([]);
    await expectHealthyPool(scene.dataSource);
  });

  it('between a method and its commit rejects the transaction, and nothing of it is left', async () => {
    const row = made.row();
    const work = scene.store.transaction([row], async (transaction) => {
      const pid = await transaction.run(() => backend(scene.dataSource));
      await save(transaction, [row]);
      await terminate(pid);
      await made.quiet();
    });
    await expect(work).rejects.toThrow(connectionLost);
    expect(await made.find(row)).toBeUndefined();
    expect(await made.waiting()).toEqual([]);
    await expectHealthyPool(scene.dataSource);
  });

  it('while its messages are swept leaves them in the outbox', async () => {
    const staged = await made.staged(3);
    const sweep = scene.store.outbox.sweep(10, 0, async (messages) => {
      await scene.otherDataSource.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle in transaction'`,
      );
      await made.quiet();
      return messages.map(({ id }) => id);
    });
    await expect(sweep).rejects.toThrow(connectionLost);
    expect(await made.waiting()).toEqual(staged);
    await expectHealthyPool(scene.dataSource);
  });

  it('while it is idle in the pool is replaced', async () => {
    await expectHealthyPool(scene.dataSource);
    await scene.otherDataSource.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'`,
    );
    await made.quiet();
    await expect(expectHealthyPool(scene.dataSource)).resolves.toBeUndefined();
  });

  it('is kept after a conflict at the commit: it is rolled back, and there is no other', async () => {
    const narrow = await connected(scene.url, { poolSize: 1 });
    const store = new TypeOrmStore(narrow);
    const row = made.row();
    const begin = (): Promise<void> => store.transaction([], (transaction) => save(transaction, [row]));
    await begin();
    const before = await backend(narrow);
    await expect(begin()).rejects.toBeInstanceOf(FenceConflict);
    expect(await backend(narrow)).toBe(before);
    await expectHealthyPool(narrow);
    await narrow.destroy();
  });

  it('never leaks: a pool of one goes on after fifty transactions that failed', async () => {
    const narrow = await connected(scene.url, { poolSize: 1 });
    const store = new TypeOrmStore(narrow);
    const failing = Array.from({ length: 50 }, () =>
      store.transaction([made.row()], (transaction) => transaction.run(() => Promise.reject(new Error('boom')))),
    );
    const endings = await Promise.allSettled(failing);
    expect(endings.every(({ status }) => status === 'rejected')).toBe(true);
    await expectHealthyPool(narrow);
    await narrow.destroy();
  });
});
