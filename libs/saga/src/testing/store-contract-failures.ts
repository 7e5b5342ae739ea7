import assert from 'node:assert/strict';
import { StoreFailure } from '../ports/step-store.js';
import { ids, type StoreFact } from './store-contract-scene.js';

/** Whose an error is: the database's trouble has a name of its own, and says what is left. */
export const failureFacts: readonly StoreFact[] = [
  {
    title: 'a transaction that cannot begin is a failure of the store, and its work is not done',
    body: async (scene) => {
      scene.harness.failNext('begin');
      let worked = false;
      const work = scene.store.transaction([scene.row()], async () => void (worked = true));
      await assert.rejects(work, failed('begin', 'rolledBack'));
      assert.equal(worked, false);
    },
  },
  {
    title: 'a commit that the database refuses is a failure of the store, and nothing is left',
    body: async (scene) => {
      const row = scene.row({ status: 'done' });
      scene.harness.failNext('commit');
      await assert.rejects(scene.save({ rows: [row], staged: scene.messages(1) }), failed('commit', 'rolledBack'));
      assert.equal(await scene.find(row), undefined);
      assert.deepEqual(await scene.waiting(), []);
    },
  },
  {
    title: 'a commit that is not answered is a failure of the store of which nobody knows the outcome; the row tells',
    body: async (scene) => {
      const row = scene.row({ status: 'done' });
      const staged = scene.messages(1);
      scene.harness.failNext('answer');
      await assert.rejects(scene.save({ rows: [row], staged }), failed('commit', 'unknown'));
      const read = await scene.other.transaction([row], async ({ rows }) => rows);
      assert.equal(read[0]?.status, 'done');
      assert.deepEqual(ids(await scene.waiting()), ids(staged));
    },
  },
  {
    title: 'what the work throws is no failure of the store, and comes out as it is',
    body: async (scene) => {
      const thrown = new Error('no seats');
      const work = scene.store.transaction([], (transaction) => transaction.run(() => Promise.reject(thrown)));
      await assert.rejects(work, (error) => error === thrown);
    },
  },
];

function failed(phase: string, outcome: string): (error: unknown) => boolean {
  return (error) => error instanceof StoreFailure && error.phase === phase && error.outcome === outcome;
}
