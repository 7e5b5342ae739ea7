import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { NewDeadLetter } from '../ports/dead-letters.js';
import { fenceKey, type FenceRow } from '../ports/fence-row.js';
import type { StepStatus } from '../protocol/step-state.js';
import type { Scene, StoreFact } from './store-contract-scene.js';

const keep = 400;
const long = keep + 100;
const all = 1_000;

/** The purge: it forgets what is settled for long enough, and nothing else, ever. */
export const retentionFacts: readonly StoreFact[] = [
  {
    title: 'purgeRows deletes rows that are settled for longer than they are kept, and no younger ones',
    body: async (scene) => {
      const old = [settled(scene), settled(scene, { status: 'done' })];
      await scene.save({ rows: old });
      assert.equal(await scene.store.retention.purgeRows(keep, all), 0);
      await scene.harness.elapse(long);
      const young = await scene.saved(settled(scene));
      assert.equal(await scene.other.retention.purgeRows(keep, all), 2);
      for (const row of old) assert.equal(await scene.find(row), undefined);
      assert.deepEqual(await scene.find(young), young);
    },
  },
  {
    title: 'purgeRows never deletes a row that is not settled, whatever its status and however old',
    body: async (scene) => {
      const rows =
        (['none', 'running', 'done', 'compensating', 'deadLettered', 'rejected', 'cancelled', 'compensated'] as const) // prettier-ignore
          .map((status) => scene.row({ status }));
      await scene.save({ rows });
      await scene.harness.elapse(long);
      assert.equal(await scene.store.retention.purgeRows(keep, all), 0);
      assert.deepEqual(await missing(scene, rows), []);
    },
  },
  {
    title: 'purgeRows leaves all rows of a saga that has an open one, or one that was settled lately',
    body: async (scene) => {
      const [open, late] = [randomUUID(), randomUUID()];
      const rows = [
        settled(scene, { sagaId: open, step: 'a' }),
        scene.row({ sagaId: open, step: 'b', status: 'done' }),
        settled(scene, { sagaId: late, step: 'a' }),
      ];
      await scene.save({ rows });
      await scene.harness.elapse(long);
      await scene.save({ rows: [settled(scene, { sagaId: late, step: 'b' })] });
      assert.equal(await scene.store.retention.purgeRows(keep, all), 0);
      assert.deepEqual(await missing(scene, rows), []);
    },
  },
  {
    title: 'purgeRows leaves the rows of a saga for which a dead letter waits, until it is settled',
    body: async (scene) => {
      const row = await scene.saved(settled(scene));
      const letter = letterOf(row.sagaId);
      await scene.store.deadLetters.put([letter]);
      await scene.harness.elapse(long);
      assert.equal(await scene.store.retention.purgeRows(keep, all), 0);
      await scene.store.deadLetters.settle({ which: { id: letter.id }, as: 'redriven', by: 'ada' });
      assert.equal(await scene.store.retention.purgeRows(keep, all), 1);
    },
  },
  {
    title: 'a row that becomes settled later is kept from then on; one that is saved again, from the first time',
    body: async (scene) => {
      const done = await scene.saved(scene.row({ status: 'done' }));
      const closed = await scene.saved(settled(scene));
      await scene.harness.elapse(long);
      await scene.saved({ ...done, settled: true });
      await scene.saved({ ...closed, lastError: 'seen again' });
      assert.equal(await scene.store.retention.purgeRows(keep, all), 1);
      assert.equal(await scene.find(closed), undefined);
      assert.equal((await scene.find(done))?.settled, true);
    },
  },
  {
    title: 'purgeRows deletes at most as many as it is told, longest settled first',
    body: async (scene) => {
      const rows: FenceRow[] = [];
      for (let index = 0; index < 5; index += 1) {
        rows.push(await scene.saved(settled(scene)));
        await scene.harness.elapse(5);
      }
      await scene.harness.elapse(long);
      const counts = [];
      for (let round = 0; round < 4; round += 1) {
        counts.push(await scene.store.retention.purgeRows(keep, 2));
        const left = rows.slice(2 * round + 2);
        assert.deepEqual(await missing(scene, left), []);
      }
      assert.deepEqual(counts, [2, 2, 1, 0]);
    },
  },
  {
    title: 'purgeRows passes over a row that a transaction holds',
    body: async (scene) => {
      const row = await scene.saved(settled(scene));
      await scene.harness.elapse(long);
      const hold = scene.hold(row);
      await hold.entered;
      assert.equal(await scene.other.retention.purgeRows(keep, all), 0);
      await hold.release();
      assert.equal(await scene.other.retention.purgeRows(keep, all), 1);
    },
  },
  {
    title: 'two that purge at the same time share the rows',
    body: async (scene) => {
      const rows = Array.from({ length: 60 }, () => settled(scene));
      await scene.save({ rows });
      await scene.harness.elapse(long);
      const purges = [scene.store, scene.other, scene.store, scene.other].map((store) => store.retention.purgeRows(keep, 20)); // prettier-ignore
      const counts = await Promise.all(purges);
      const rest = await scene.store.retention.purgeRows(keep, all);
      assert.equal([...counts, rest].reduce((sum, count) => sum + count, 0), 60); // prettier-ignore
    },
  },
  {
    title: 'with a row go the timers that are left of it, and no other',
    body: async (scene) => {
      const row = await scene.saved(settled(scene));
      const timer = (sagaId: string) => ({ sagaId, step: row.step, kind: 'deadline', sagaType: 'order', sagaVersion: 1, dueIn: 60_000 }) as const; // prettier-ignore
      const other = randomUUID();
      await scene.save({ timersSet: [timer(row.sagaId), timer(other)] });
      await scene.harness.elapse(long);
      assert.equal(await scene.store.retention.purgeRows(keep, all), 1);
      assert.deepEqual(await scene.store.timers.ofSaga(row.sagaId), []);
      assert.equal((await scene.store.timers.ofSaga(other)).length, 1);
    },
  },
  {
    title:
      'purgeLetters deletes letters that were settled long enough ago; those that wait and the words of operators stay',
    body: async (scene) => {
      const { deadLetters, retention, audit } = scene.store;
      const [waits, first, second, late] = [1, 2, 3, 4].map(() => letterOf(randomUUID()));
      await deadLetters.put([waits!, first!, second!, late!]);
      for (const { id } of [first!, second!]) await deadLetters.settle({ which: { id }, as: 'waived', by: 'ada' });
      const word = { id: randomUUID(), verb: 'waive', letterId: first!.id, actor: 'ada', reason: 'old' } as const;
      await scene.save({ audited: [{ ...word, verdict: 'applied', because: 'waived', details: {} }] });
      await scene.harness.elapse(long);
      await deadLetters.settle({ which: { id: late!.id }, as: 'waived', by: 'ada' });
      const counts = [];
      for (let round = 0; round < 3; round += 1) counts.push(await retention.purgeLetters(keep, 1));
      assert.deepEqual(counts, [1, 1, 0]);
      const left = await deadLetters.list({ limit: all });
      assert.deepEqual(new Set(left.map(({ id }) => id)), new Set([waits!.id, late!.id]));
      assert.equal((await audit.list({ letterId: first!.id, limit: 1 })).length, 1);
    },
  },
];

function settled(scene: Scene, change: Partial<FenceRow> & { readonly status?: StepStatus } = {}): FenceRow {
  return scene.row({ status: 'compensated', settled: true, ...change });
}

function letterOf(sagaId: string): NewDeadLetter {
  return { id: randomUUID(), kind: 'version', sagaId, reason: 'version 2 is unknown here', details: {} };
}

async function missing(scene: Scene, rows: readonly FenceRow[]): Promise<readonly string[]> {
  const found = await Promise.all(rows.map((row) => scene.find(row)));
  return rows.filter((_, index) => !found[index]).map(fenceKey);
}
