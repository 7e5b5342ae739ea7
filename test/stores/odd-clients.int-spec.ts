import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { Scene } from '../../libs/saga/src/testing/store-contract-scene.js';
import { connected, Line, PostgresScene } from './postgres-scene.js';

let scene: PostgresScene;
let made: Scene;
let narrow: DataSource;

beforeAll(async () => void (scene = await PostgresScene.open()));
afterAll(() => scene.close());
beforeEach(async () => {
  made = new Scene(await scene.emptied());
  return () => narrow.destroy();
});

/** What is committed once the pool of one has been through another transaction. */
async function linesAfterAnother(): Promise<readonly string[]> {
  const row = made.row();
  await expect
    .poll(
      () =>
        new TypeOrmStore(narrow)
          .transaction([row], (transaction) => transaction.save({ rows: [row], staged: [], published: [] }))
          .then(() => 'committed', String),
      { timeout: 10_000 },
    )
    .toBe('committed');
  return scene.lines();
}

describe('a transaction that was rolled back leaves nothing to the next one on its connection', () => {
  it('when the driver gave up waiting for a statement, and for the rollback', async () => {
    narrow = await connected(scene.url, { poolSize: 1, extra: { query_timeout: 300 } });
    const work = new TypeOrmStore(narrow).transaction([made.row()], (transaction) =>
      transaction.run(async () => {
        await narrow.getRepository(Line).insert({ id: 'rolled back' });
        await narrow.query('SELECT pg_sleep(1.5)');
      }),
    );
    await expect(work).rejects.toThrow('Query read timeout');
    expect(await linesAfterAnother()).toEqual([]);
  });

  const openInside = async (): Promise<void> => {
    await narrow.getRepository(Line).insert({ id: 'rolled back' });
    const inside = narrow.transaction(async (manager) => {
      await manager.insert(Line, { id: 'rolled back too' });
      await made.quiet();
      await manager.insert(Line, { id: 'too late' });
    });
    inside.catch(() => undefined);
    await new Promise((begun) => setTimeout(begun, 50));
  };

  it.each([
    ['threw', 'boom'],
    ['returned', 'await every transaction'],
  ])('when a transaction inside it was still open as its method %s', async (how, why) => {
    narrow = await connected(scene.url, { poolSize: 1 });
    const row = made.row();
    const work = new TypeOrmStore(narrow).transaction([row], async (transaction) => {
      await transaction.run(async () => {
        await openInside();
        if (how === 'threw') throw new Error('boom');
      });
      await transaction.save({ rows: [row], staged: [], published: [] });
    });
    await expect(work).rejects.toThrow(why);
    expect(await linesAfterAnother()).toEqual([]);
    await made.quiet();
    expect(await scene.lines()).toEqual([]);
  });
});
