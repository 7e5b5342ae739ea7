import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { timerKey, type RunningTimer, type Timer, type TimerKey } from '../ports/timers.js';
import { texts } from './store-contract-fields.js';
import type { Scene, StoreFact } from './store-contract-scene.js';

const minute = 60_000;

/** Timers: durable with their rows, claimed by one at a time, fair over sagas. */
export const timerFacts: readonly StoreFact[] = [
  {
    title: 'a timer is set with its row, or not at all',
    body: async (scene) => {
      const row = await scene.saved(scene.row({ status: 'running' }));
      const own = timer({ sagaId: row.sagaId });
      await assert.rejects(scene.save({ rows: [{ ...row, version: 7 }], timersSet: [own] }));
      assert.deepEqual(await scene.store.timers.ofSaga(row.sagaId), []);
      await scene.save({ rows: [row], timersSet: [own] });
      const [found] = await scene.other.timers.ofSaga(row.sagaId);
      const late = own.dueIn - (found?.dueIn ?? Number.NaN);
      assert.deepEqual(found, { ...own, dueIn: found?.dueIn });
      assert.ok(Math.abs(late) < 5_000, String(late));
    },
  },
  {
    title: 'a timer that runs stays as it is when it is set again',
    body: async (scene) => {
      const own = timer({ dueIn: minute });
      await scene.save({ timersSet: [own] });
      await scene.save({ timersSet: [{ ...own, dueIn: 60 * minute }] });
      const [found, ...others] = await scene.store.timers.ofSaga(own.sagaId);
      assert.ok(Number(found?.dueIn) <= minute, String(found?.dueIn));
      assert.deepEqual(others, []);
    },
  },
  {
    title: 'a transaction is told which timers have ended, also of those that somebody has claimed',
    body: async (scene) => {
      const sagaId = randomUUID();
      const over = timer({ sagaId, kind: 'deadline', dueIn: -1 });
      const runs = timer({ sagaId, kind: 'sagaDeadline', dueIn: minute });
      await scene.save({ timersSet: [over, runs] });
      const ended = (): Promise<readonly string[]> =>
        scene.store.transaction([], (transaction) => transaction.overdue([keyOf(over), keyOf(runs), keyOf(timer({}))]));
      assert.deepEqual(await ended(), ['deadline']);
      await scene.other.timers.claim(1_000, minute);
      assert.deepEqual(await ended(), ['deadline']);
    },
  },
  {
    title: 'exactly the timers that are named end, and ending one that does not run is no error',
    body: async (scene) => {
      const sagaId = randomUUID();
      const kinds = ['deadline', 'reservation', 'sagaDeadline'] as const;
      const set = kinds.map((kind) => timer({ sagaId, kind, dueIn: minute }));
      const other = timer({ dueIn: minute });
      await scene.save({ timersSet: [...set, other] });
      const ended = [keyOf(set[0]!), keyOf(set[2]!), keyOf(timer({}))];
      await scene.save({ timersEnded: ended });
      await scene.save({ timersEnded: ended });
      assert.deepEqual(names(await scene.store.timers.ofSaga(sagaId)), names([set[1]!]));
      assert.deepEqual(names(await scene.store.timers.ofSaga(other.sagaId)), names([other]));
    },
  },
  {
    title: 'names with quotes, backslashes and SQL in them name their own timer and no other',
    body: async (scene) => {
      const sagaId = randomUUID();
      const set = texts.map((step) => timer({ sagaId, step, sagaType: step, sagaVersion: 3 }));
      await scene.save({ timersSet: set });
      const claimed = await scene.store.timers.claim(1_000, minute);
      assert.deepEqual(new Set(claimed.map((one) => JSON.stringify(one))), new Set(set.map(plain)));
      await scene.save({ timersEnded: set.slice(1).map(keyOf) });
      assert.deepEqual(names(await scene.store.timers.ofSaga(sagaId)), names(set.slice(0, 1)));
    },
  },
  {
    title: 'claim gives the timers that are due, longest due first, and no other',
    body: async (scene) => {
      const [recent, oldest, older] = [-1_000, -3_000, -2_000].map((dueIn) => timer({ dueIn }));
      await scene.save({ timersSet: [recent!, oldest!, older!, timer({ dueIn: minute })] });
      const claimed = await scene.store.timers.claim(10, minute);
      assert.deepEqual(claimed.map(timerKey), [oldest!, older!, recent!].map(timerKey));
    },
  },
  {
    title: 'a claimed timer is not claimed again for the time of its lease, and claimed again after it',
    body: async (scene) => {
      const own = timer({});
      await scene.save({ timersSet: [own] });
      const lease = 400;
      assert.equal((await scene.store.timers.claim(10, lease)).length, 1);
      assert.deepEqual(await scene.other.timers.claim(10, lease), []);
      await scene.harness.elapse(lease + 50);
      assert.deepEqual(names(await scene.other.timers.claim(10, lease)), names([own]));
      await scene.save({ timersEnded: [keyOf(own)] });
      await scene.harness.elapse(lease + 50);
      assert.deepEqual(await scene.other.timers.claim(10, lease), []);
    },
  },
  {
    title:
      'a claimed timer that is handed back is claimed again when it is said to be due, and one that has ended stays ended',
    body: async (scene) => {
      const [own, ended] = [timer({}), timer({})];
      await scene.save({ timersSet: [own, ended] });
      assert.equal((await scene.store.timers.claim(10, minute)).length, 2);
      await scene.save({ timersEnded: [keyOf(ended)] });
      for (const one of [own, ended]) await scene.store.timers.handBack(keyOf(one), 400.5);
      assert.deepEqual(await scene.other.timers.claim(10, minute), []);
      await scene.harness.elapse(450);
      assert.deepEqual(names(await scene.other.timers.claim(10, minute)), names([own]));
    },
  },
  {
    title: 'claimants at the same time are given different timers, and together all of them',
    body: async (scene) => {
      const set = Array.from({ length: 60 }, (_, index) => timer({ dueIn: index - 1_000 }));
      await scene.save({ timersSet: set });
      const claimants = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? scene.store : scene.other));
      const claims = await Promise.all(claimants.map((store) => store.timers.claim(10, minute)));
      const rest = await scene.store.timers.claim(100, minute); // a claimant may pass over what another looks at
      assert.deepEqual(names([...claims.flat(), ...rest]), names(set));
    },
  },
  {
    title: 'a saga with thousands of timers that are due keeps no other saga waiting',
    body: async (scene) => {
      const greedy = randomUUID();
      const many = Array.from({ length: 3_000 }, (_, index) =>
        timer({ sagaId: greedy, step: `leg-${index}`, dueIn: -minute + index }),
      );
      const others = Array.from({ length: 20 }, (_, index) => timer({ dueIn: index - 1_000 }));
      await scene.save({ timersSet: [...many, ...others] });
      const claimed = await scene.store.timers.claim(30, minute);
      assert.deepEqual(claimed.slice(0, 21).map(timerKey), [many[0]!, ...others].map(timerKey));
      assert.deepEqual(claimed.slice(21).map(timerKey), many.slice(1, 10).map(timerKey));
    },
  },
  {
    title: 'nextDue of timers tells when the earliest is due, and nothing when none runs',
    body: async (scene) => {
      assert.equal(await scene.store.timers.nextDue(), undefined);
      const [late, early] = [timer({ dueIn: 2 * minute }), timer({ dueIn: minute })];
      await scene.save({ timersSet: [late, early] });
      await isNear(scene, minute);
      await scene.save({ timersSet: [timer({ dueIn: -minute })] });
      await isNear(scene, -minute);
      assert.equal((await scene.store.timers.claim(10, 5 * minute)).length, 1);
      await scene.save({ timersEnded: [keyOf(early)] });
      await isNear(scene, 2 * minute);
    },
  },
];

async function isNear(scene: Scene, dueIn: number): Promise<void> {
  const due = await scene.other.timers.nextDue();
  assert.ok(due !== undefined && Math.abs(due - dueIn) < 5_000, String(due));
}

function timer(change: Partial<RunningTimer>): RunningTimer {
  const sagaId = change.sagaId ?? randomUUID();
  return { sagaId, step: 'approve', kind: 'deadline', sagaType: 'order', sagaVersion: 1, dueIn: -1_000, ...change };
}

function keyOf({ sagaId, step, kind }: TimerKey): TimerKey {
  return { sagaId, step, kind };
}

function plain({ sagaId, step, kind, sagaType, sagaVersion }: Timer): string {
  return JSON.stringify({ sagaId, step, kind, sagaType, sagaVersion });
}

function names(timers: readonly TimerKey[]): readonly string[] {
  return timers.map(timerKey).toSorted();
}
