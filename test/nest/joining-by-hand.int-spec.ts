import { beforeEach, expect, test } from 'vitest';
import type { QueryRunner } from 'typeorm';
import { freshDatabase } from '../support/database.js';
import { Note } from './database-scene.js';
import { Checkout, note, nothing, opened, type Shop } from './joining-sagas.js';
import { eventually } from './scene.js';

let shop: Shop;
beforeEach(async () => {
  shop = await opened(await freshDatabase(), { poolSize: 5 });
});

const refused = { code: 'START_INSIDE_TRANSACTION' };

async function byHand<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  const runner = shop.dataSource.createQueryRunner();
  await runner.startTransaction();
  try {
    return await work(runner);
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}

test('a start that waits for the lock of a transaction begun by hand ends, is told why, and is not made after all', async () => {
  await shop.dataSource.getRepository(Note).insert({ text: 'cart' });
  shop.steps.besides = () => shop.dataSource.getRepository(Note).update({ text: 'cart' }, { text: 'ordered' });
  await byHand(async (runner) => {
    await runner.manager.update(Note, { text: 'cart' }, { text: 'checked out' });
    await expect(shop.sagas.start(Checkout, { cart: 'c1' })).rejects.toMatchObject(refused);
  });
  await shop.sagas.start(Checkout, { cart: 'c2' }); // its turn comes when the first is over
  expect(await shop.notes()).not.toContain('ordered c1');
});

test('as many transactions begun by hand as the pool has connections, each of which starts a saga, end too', async () => {
  let inside = 0;
  const all = Array.from({ length: 5 }, (_, n) =>
    byHand(async (runner) => {
      await note(runner.manager, `paid ${n}`);
      inside += 1;
      await eventually(() => expect(inside).toBe(5));
      await expect(shop.sagas.start(Checkout, { cart: `c${n}` })).rejects.toMatchObject(refused);
    }),
  );
  await Promise.all(all);
  await shop.sagas.start(Checkout, { cart: 'after' });
  expect((await shop.notes()).filter((text) => /^(paid|ordered c)/.test(text))).toEqual([]);
});

test('a start beside a transaction begun by hand that it has nothing to do with is made', async () => {
  await byHand(async (runner) => {
    await note(runner.manager, 'a report');
    expect(await shop.sagas.start(Checkout, { cart: 'c1' })).toMatchObject({ step: 'done' });
  });
  expect(await shop.rows()).not.toEqual(nothing);
});
