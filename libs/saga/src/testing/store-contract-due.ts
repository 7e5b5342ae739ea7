import assert from 'node:assert/strict';
import { fenceKey, type FenceRow } from '../ports/fence-row.js';
import { FenceConflict } from '../ports/step-store.js';
import { signal, type StoreFact } from './store-contract-scene.js';

const minute = 60_000;

/** Due attempts: given to one claimant at a time, and never lost with it. */
export const dueFacts: readonly StoreFact[] = [
  {
    title: 'claimDue gives the rows that are due, longest due first, and no other',
    body: async (scene) => {
      const [recent, oldest, older] = [-1_000, -3_000, -2_000].map((ms) => scene.due(ms));
      const rows = [recent!, oldest!, older!, scene.due(minute), scene.row({ status: 'running' })];
      await scene.save({ rows });
      const claimed = await scene.store.claimDue(10, minute);
      assert.deepEqual(claimed.map(fenceKey), [oldest!, older!, recent!].map(fenceKey));
    },
  },
  {
    title: 'claimDue gives at most as many as it is asked for, the others next time',
    body: async (scene) => {
      const rows = Array.from({ length: 7 }, (_, index) => scene.due(-minute + index));
      await scene.save({ rows });
      const claims = [];
      for (let round = 0; round < 4; round += 1) claims.push(await scene.store.claimDue(3, minute));
      assert.deepEqual(claims.map((claim) => claim.length), [3, 3, 1, 0]); // prettier-ignore
      assert.deepEqual(claims.flat().map(fenceKey), rows.map(fenceKey));
    },
  },
  {
    title: 'a claimed row is not due for the time of its lease, and due again after it',
    body: async (scene) => {
      const row = await scene.saved(scene.due(-1_000));
      const lease = 400;
      const claimed = await scene.store.claimDue(10, lease);
      assert.equal(claimed.length, 1);
      assert.deepEqual(await scene.other.claimDue(10, lease), []);
      await scene.harness.elapse(lease + 50);
      const again = await scene.other.claimDue(10, lease);
      assert.deepEqual(again.map(fenceKey), [fenceKey(row)]);
    },
  },
  {
    title: 'a claimed row is given as it is now: it can be saved',
    body: async (scene) => {
      const row = await scene.saved(scene.due(-1_000, { lastError: 'socket hang up', attempts: 2 }));
      const [claimed] = await scene.store.claimDue(1, minute);
      const { dueIn, version, ...rest } = claimed!;
      const { dueIn: _was, version: read, ...expected } = row;
      assert.deepEqual(rest, expected);
      assert.ok(version > read);
      assert.equal(dueIn, minute);
      await scene.save({ rows: [claimed!] });
      assert.equal((await scene.find(row))?.version, version + 1);
    },
  },
  {
    title: 'a transaction that read a row before it was claimed cannot save over the claim',
    body: async (scene) => {
      const row = await scene.saved(scene.due(-1_000));
      assert.equal((await scene.store.claimDue(1, minute)).length, 1);
      await assert.rejects(scene.save({ rows: [{ ...row, status: 'done' }] }), FenceConflict);
    },
  },
  {
    title: 'claimants at the same time are given different rows, and together all of them',
    body: async (scene) => {
      const rows = Array.from({ length: 40 }, () => scene.due(-1_000));
      await scene.save({ rows });
      const claimants = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? scene.store : scene.other));
      const claims = await Promise.all(claimants.map((store) => store.claimDue(10, minute)));
      const rest = await scene.store.claimDue(100, minute); // a claimant may pass over what another looks at
      assert.deepEqual(names([...claims.flat(), ...rest]), names(rows));
    },
  },
  {
    title: 'a row that a transaction holds is passed over, not waited for',
    body: async (scene) => {
      const [held, free] = [await scene.saved(scene.due(-2_000)), await scene.saved(scene.due(-1_000))];
      const hold = scene.hold(held);
      await hold.entered;
      assert.deepEqual(names(await scene.other.claimDue(10, minute)), names([free]));
      await hold.release();
      assert.deepEqual(names(await scene.other.claimDue(10, minute)), names([held]));
    },
  },
  {
    title: 'an attempt that a transaction parks is not due before its commit',
    body: async (scene) => {
      const [saved, commit] = [signal(), signal()];
      const row = scene.due(-1_000);
      const parking = scene.store.transaction([], async (transaction) => {
        await transaction.save({ rows: [row], staged: [], published: [] });
        saved.give();
        await commit.given;
      });
      await saved.given;
      assert.deepEqual(await scene.other.claimDue(10, minute), []);
      commit.give();
      await parking;
      assert.deepEqual(names(await scene.other.claimDue(10, minute)), names([row]));
    },
  },
  {
    title: 'nextDue tells when the earliest attempt is due, and nothing when none waits',
    body: async (scene) => {
      await scene.saved(scene.row());
      assert.equal(await scene.store.nextDue(), undefined);
      const [late, early] = [scene.due(2 * minute), scene.due(minute)];
      await scene.save({ rows: [late, early] });
      await isNear(scene.store.nextDue(), minute);
      const overdue = await scene.saved(scene.due(-minute));
      await isNear(scene.store.nextDue(), -minute);
      const { dueIn: _due, ...settled } = overdue;
      await scene.saved(settled);
      await isNear(scene.other.nextDue(), minute);
    },
  },
  {
    title: 'a row that is saved as it was read stays due when it was, however long ago that was set',
    body: async (scene) => {
      const row = await scene.saved(scene.due(minute));
      const passed = 300;
      for (let round = 0; round < 3; round += 1) {
        await scene.harness.elapse(passed);
        await scene.store.transaction([row], async (transaction) => {
          await scene.quiet();
          await transaction.save({ rows: transaction.rows, staged: [], published: [] });
        });
      }
      const { dueIn } = (await scene.find(row))!;
      assert.ok(dueIn! <= minute - 3 * passed, String(dueIn));
      assert.ok(dueIn! > minute - 3 * passed - 5_000, String(dueIn));
    },
  },
];

async function isNear(told: Promise<number | undefined>, dueIn: number): Promise<void> {
  const due = await told;
  assert.ok(due !== undefined && Math.abs(due - dueIn) < 5_000, String(due));
}

function names(rows: readonly FenceRow[]): readonly string[] {
  return rows.map(fenceKey).toSorted();
}
