import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TransactionLost } from '../../libs/saga/src/ports/step-store.js';
import { Scene } from '../../libs/saga/src/testing/store-contract-scene.js';
import { TypeOrmStore } from '../../libs/saga/src/adapters/typeorm/typeorm-store.js';
import { connected, PostgresScene } from './postgres-scene.js';

/** A driver, or a proxy, that says something of its own behind the back of all after a statement that begins with `-- then`. */
class OwnMinded extends Client {
  constructor(config?: ConstructorParameters<typeof Client>[0]) {
    super(config);
    const query = this.query.bind(this) as unknown as (config: unknown) => Promise<unknown>;
    this.query = (async (given: string | { readonly text: string }) => {
      const result = await query(given);
      const [, more] = /^-- then (.*)\n/.exec(typeof given === 'string' ? given : given.text) ?? [];
      if (more) await query(more);
      return result;
    }) as unknown as Client['query'];
  }
}

let scene: PostgresScene;
let odd: DataSource;
let store: TypeOrmStore;
let made: Scene;

beforeAll(async () => {
  scene = await PostgresScene.open();
  odd = await connected(scene.url, { poolSize: 1, extra: { Client: OwnMinded } });
  store = new TypeOrmStore(odd);
});
afterAll(async () => {
  await odd.destroy();
  await scene.close();
});
beforeEach(async () => void (made = new Scene(await scene.emptied())));

const ends = [
  'COMMIT',
  'COMMIT;BEGIN',
  'COMMIT AND CHAIN',
  'ROLLBACK',
  `COMMIT;BEGIN;SET LOCAL nest_saga.token = 'guessed'`,
];

describe('a transaction that somebody else has ended', () => {
  it.each(ends)('by %s writes nothing of the library’s and is told', async (end) => {
    const row = made.row();
    const work = store.transaction([row], async (transaction) => {
      await transaction.run(() => odd.query(`-- then ${end}\nINSERT INTO line (id) VALUES ('theirs')`));
      await transaction.save({ rows: [row], staged: [made.message()], published: [] });
    });
    await expect(work).rejects.toBeInstanceOf(TransactionLost);
    expect(await scene.store.find(row.sagaId)).toEqual([]);
    expect((await scene.store.outbox.backlog()).size).toBe(0);
  });

  it.each(ends)('by %s is told when its method throws, too', async (end) => {
    const work = store.transaction([], (transaction) =>
      transaction.run(async () => {
        await odd.query(`-- then ${end}\nINSERT INTO line (id) VALUES ('theirs')`);
        throw new Error('boom');
      }),
    );
    await expect(work).rejects.toBeInstanceOf(TransactionLost);
  });

  it('leaves its connection fit for the next', async () => {
    for (const end of ends)
      await store.transaction([], ({ run }) => run(() => odd.query(`-- then ${end}\nSELECT 1`))).catch(() => undefined);
    const row = made.row();
    await store.transaction([row], async (transaction) => {
      await transaction.run(() => odd.query(`INSERT INTO line (id) VALUES ('mine')`));
      await transaction.save({ rows: [row], staged: [], published: [] });
    });
    expect(await scene.store.find(row.sagaId)).toHaveLength(1);
    expect(await scene.lines()).toContain('mine');
  });
});

it('what fails by itself is told as it is', async () => {
  const failing = store.transaction([], ({ run }) => run(() => odd.query('SELECT 1 / 0')));
  await expect(failing).rejects.toThrow('division by zero');
  const swallowing = store.transaction([], ({ run }) => run(() => odd.query('SELECT 1 / 0').catch(() => undefined)));
  await expect(swallowing).rejects.not.toBeInstanceOf(TransactionLost);
});
