import assert from 'node:assert/strict';
import { FenceConflict } from '../ports/step-store.js';
import { ids, signal, type StoreFact } from './store-contract-scene.js';

/** Together or not at all, and never two on one version. */
export const transactionFacts: readonly StoreFact[] = [
  {
    title: 'rows, staged events and the deletion of published ones are committed together',
    body: async (scene) => {
      const [published, kept] = await scene.staged(2);
      const [first, second] = [scene.row({ status: 'done' }), scene.row({ status: 'running' })];
      const staged = scene.messages(2);
      await scene.store.transaction([first, second], async (transaction) => {
        assert.deepEqual(transaction.rows, []);
        await transaction.save({ rows: [first, second], staged, published: [published!.id] });
      });
      assert.equal((await scene.find(first))?.status, 'done');
      assert.equal((await scene.find(second))?.status, 'running');
      assert.deepEqual(ids(await scene.waiting()), ids([kept!, ...staged]));
    },
  },
  {
    title: 'a transaction that rejects leaves nothing, and rejects with the error of its work',
    body: async (scene) => {
      const existing = await scene.saved(scene.row({ status: 'running' }));
      const published = await scene.staged(1);
      const error = new Error('the method threw');
      const made = scene.row();
      const work = scene.store.transaction([existing], async (transaction) => {
        const rows = [{ ...existing, status: 'done' as const }, made];
        await transaction.save({ rows, staged: scene.messages(1), published: ids(published) });
        throw error;
      });
      await assert.rejects(work, (thrown) => thrown === error);
      assert.deepEqual(await scene.find(existing), existing);
      assert.equal(await scene.find(made), undefined);
      assert.deepEqual(ids(await scene.waiting()), ids(published));
    },
  },
  {
    title: 'a transaction resolves with the answer of its work, also when it saves nothing',
    body: async (scene) => {
      const answer = await scene.store.transaction([scene.row()], async (transaction) => {
        await transaction.save({ rows: [], staged: [], published: [] });
        return transaction.run(async () => 'answer');
      });
      assert.equal(answer, 'answer');
    },
  },
  {
    title: 'a transaction is given the rows that exist of those it asked for, each once',
    body: async (scene) => {
      const asked = await scene.saved(scene.row());
      const sameSaga = await scene.saved(scene.row({ sagaId: asked.sagaId, step: 'ship' }));
      const elsewhere = scene.row({ step: sameSaga.step }); // its step is another key's, its saga another's
      const keys = [scene.row(), asked, { sagaId: sameSaga.sagaId, step: 'unknown' }, elsewhere, asked];
      const rows = await scene.store.transaction(keys, async (transaction) => transaction.rows);
      assert.deepEqual(rows, [asked]);
    },
  },
  {
    title: 'find gives all rows of a saga, and none of another',
    body: async (scene) => {
      const one = await scene.saved(scene.row());
      const two = await scene.saved(scene.row({ sagaId: one.sagaId, step: 'ship' }));
      await scene.saved(scene.row());
      const found = await scene.store.find(one.sagaId);
      assert.deepEqual(
        found.toSorted((a, b) => (a.step < b.step ? -1 : 1)),
        [one, two],
      );
      assert.deepEqual(await scene.store.find(scene.row().sagaId), []);
    },
  },
  {
    title: 'savedAt gives when a row was last saved, by the own clock of the store',
    body: async (scene) => {
      assert.equal(await scene.store.savedAt(scene.row()), undefined);
      const first = await scene.saved(scene.row());
      const before = await scene.store.savedAt(first);
      await scene.harness.elapse(50);
      await scene.saved({ ...first, status: 'running' });
      const after = await scene.other.savedAt(first);
      assert.ok(before && after && after.getTime() > before.getTime(), `${String(before)}, ${String(after)}`);
      assert.ok(Math.abs(after.getTime() - scene.harness.now().getTime()) < 60_000, String(after));
    },
  },
  {
    title: 'every save raises the version by one',
    body: async (scene) => {
      const first = await scene.saved(scene.row());
      assert.equal((await scene.find(first))?.version, 1);
      await scene.saved({ ...first, status: 'running' });
      assert.equal((await scene.find(first))?.version, 2);
    },
  },
  {
    title: 'of two first inserts of one row the second is a conflict and leaves nothing',
    body: async (scene) => {
      const row = scene.row();
      const waiting = await scene.staged(1);
      const winner = scene.messages(1);
      const [read, won] = [signal(), signal()];
      const loser = scene.other.transaction([], async (transaction) => {
        read.give();
        await won.given;
        const rows = [scene.row(), { ...row, status: 'cancelled' as const }];
        await transaction.save({ rows, staged: scene.messages(1), published: ids(waiting) });
      });
      await read.given;
      await scene.save({ rows: [{ ...row, status: 'running' }], staged: winner });
      won.give();
      await assert.rejects(loser, FenceConflict);
      assert.equal((await scene.find(row))?.status, 'running');
      assert.deepEqual(ids(await scene.waiting()), ids([...waiting, ...winner]));
    },
  },
  {
    title: 'of two transactions that insert one row at the same time exactly one succeeds',
    body: async (scene) => {
      for (let round = 0; round < 10; round += 1) {
        const row = scene.row();
        const save = [scene.store, scene.other].map((store) => scene.save({ rows: [row] }, store));
        const endings = await Promise.allSettled(save);
        const lost = endings.flatMap((ending) => (ending.status === 'rejected' ? [ending.reason as unknown] : []));
        assert.equal(lost.length, 1, `${2 - lost.length} of two first inserts were committed`);
        assert.ok(lost[0] instanceof FenceConflict, String(lost[0]));
        assert.equal((await scene.find(row))?.version, 1);
      }
    },
  },
  {
    title: 'a save over another version than the one that was read is a conflict and leaves nothing',
    body: async (scene) => {
      const stale = await scene.saved(scene.row());
      const current = await scene.saved({ ...stale, status: 'running' });
      const made = scene.row();
      const save = scene.save({ rows: [made, { ...stale, status: 'cancelled' }], staged: scene.messages(1) });
      await assert.rejects(save, FenceConflict);
      assert.deepEqual(await scene.find(stale), current);
      assert.equal(await scene.find(made), undefined);
      assert.deepEqual(await scene.waiting(), []);
    },
  },
  {
    title: 'a second transaction on a locked row waits, and sees what the first made of it',
    body: async (scene) => {
      const row = await scene.saved(scene.row());
      const held = scene.hold(row);
      await held.entered;
      let seen: number | undefined;
      const second = scene.other.transaction([row], async ({ rows }) => void (seen = rows[0]?.version));
      await scene.quiet();
      assert.equal(seen, undefined, 'the second transaction did not wait');
      await held.release();
      await second;
      assert.equal(seen, 2);
    },
  },
  {
    title: 'a transaction that waited for one that was rolled back sees the row as it was',
    body: async (scene) => {
      const row = await scene.saved(scene.row());
      const entered = signal();
      const first = scene.store.transaction([row], async (transaction) => {
        entered.give();
        await transaction.save({ rows: [{ ...row, status: 'running' }], staged: [], published: [] });
        throw new Error('rolled back');
      });
      await entered.given;
      const second = scene.other.transaction([row], async ({ rows }) => rows);
      await assert.rejects(first, /rolled back/);
      assert.deepEqual(await second, [row]);
    },
  },
  {
    title: 'a transaction on other rows does not wait',
    body: async (scene) => {
      const row = await scene.saved(scene.row());
      const held = scene.hold(row);
      await held.entered;
      const sibling = scene.row({ sagaId: row.sagaId, step: 'ship' });
      await scene.other.transaction([sibling], async (transaction) =>
        transaction.save({ rows: [sibling], staged: [], published: [] }),
      );
      assert.equal((await scene.find(sibling))?.version, 1);
      await held.release();
    },
  },
  {
    title: 'transactions that name the same rows in different orders do not block each other for good',
    body: async (scene) => {
      const rows = await Promise.all([1, 2, 3, 4].map(() => scene.saved(scene.row())));
      const orders = Array.from({ length: 24 }, (_, index) => (index % 2 === 0 ? rows : rows.toReversed()));
      await Promise.all(
        orders.map((keys, index) =>
          (index % 3 === 0 ? scene.other : scene.store).transaction(keys, async (transaction) =>
            transaction.save({ rows: transaction.rows, staged: [], published: [] }),
          ),
        ),
      );
      assert.equal((await scene.find(rows[0]!))?.version, 25);
    },
  },
];
