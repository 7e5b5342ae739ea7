import assert from 'node:assert/strict';
import { FenceConflict, type StepTransaction } from '../ports/step-store.js';
import { ids, signal, type BusinessStoreHarness, type Scene, type StoreFact } from './store-contract-scene.js';

type BusinessScene = Scene<BusinessStoreHarness>;

/** Business data in the store's database: part of the step's transaction when it is written inside `run`. */
export const businessFacts: readonly StoreFact<BusinessStoreHarness>[] = [
  {
    title: 'what a method writes is committed with the row and its event',
    body: async (scene) => {
      const row = scene.row({ status: 'done' });
      const staged = scene.messages(1);
      await scene.store.transaction([row], async (transaction) => {
        await transaction.run(() => scene.harness.write('reserved'));
        assert.deepEqual(await scene.harness.written(), []);
        await transaction.save({ rows: [row], staged, published: [] });
      });
      assert.deepEqual(await state(scene), { written: ['reserved'], waiting: ids(staged) });
    },
  },
  {
    title: 'what a method wrote before it threw is gone',
    body: async (scene) => {
      const work = scene.store.transaction([], (transaction) =>
        transaction.run(async () => {
          await scene.harness.write('reserved');
          throw new Error('the method threw');
        }),
      );
      await assert.rejects(work, /the method threw/);
      assert.deepEqual(await state(scene), { written: [], waiting: [] });
    },
  },
  {
    title: 'what earlier methods of a batch wrote is gone when a later one throws',
    body: async (scene) => {
      const row = scene.row({ status: 'done' });
      const work = scene.store.transaction([row], async (transaction) => {
        await transaction.run(() => scene.harness.write('first'));
        await transaction.save({ rows: [row], staged: scene.messages(1), published: [] });
        await transaction.run(() => Promise.reject(new Error('the second threw')));
      });
      await assert.rejects(work, /the second threw/);
      assert.deepEqual(await state(scene), { written: [], waiting: [] });
      assert.equal(await scene.find(row), undefined);
    },
  },
  {
    title: 'what a method wrote is gone when its row turns out to be a conflict',
    body: async (scene) => {
      const stale = await scene.saved(scene.row());
      await scene.saved(stale);
      const work = scene.store.transaction([], async (transaction) => {
        await transaction.run(() => scene.harness.write('reserved'));
        await transaction.save({ rows: [stale], staged: [], published: [] });
      });
      await assert.rejects(work, FenceConflict);
      assert.deepEqual(await state(scene), { written: [], waiting: [] });
    },
  },
  {
    title: 'the methods of two transactions at the same time write each to its own',
    body: async (scene) => {
      const [bothWrote, failed] = [signal(), signal()];
      const write = (name: string) => (transaction: StepTransaction) =>
        transaction.run(() => scene.harness.write(name));
      const loser = scene.store.transaction([], async (transaction) => {
        await write('lost')(transaction);
        await bothWrote.given;
        throw new Error('rolled back');
      });
      const winner = scene.store.transaction([], async (transaction) => {
        await write('kept')(transaction);
        bothWrote.give();
        await failed.given;
      });
      await assert.rejects(loser, /rolled back/);
      failed.give();
      await winner;
      assert.deepEqual(await scene.harness.written(), ['kept']);
    },
  },
  {
    title: 'what is written outside any method is committed at once, also while a transaction is open',
    body: async (scene) => {
      const work = scene.store.transaction([], async () => {
        await scene.harness.write('outside');
        assert.deepEqual(await scene.harness.written(), ['outside']);
        throw new Error('rolled back');
      });
      await assert.rejects(work, /rolled back/);
      assert.deepEqual(await scene.harness.written(), ['outside']);
    },
  },
];

async function state(scene: BusinessScene): Promise<object> {
  return { written: await scene.harness.written(), waiting: ids(await scene.waiting()) };
}
