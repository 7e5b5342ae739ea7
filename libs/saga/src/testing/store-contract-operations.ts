import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { NewAuditEntry } from '../ports/audit-log.js';
import type { NewDeadLetter } from '../ports/dead-letters.js';
import { FenceConflict } from '../ports/step-store.js';
import type { IncomingRecord } from '../ports/transport.js';
import { texts } from './store-contract-fields.js';
import type { Scene, StoreFact } from './store-contract-scene.js';

const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

/** What waits for a person, and what persons said. */
export const operationFacts: readonly StoreFact[] = [
  {
    title: 'a dead letter comes back as it was put, with its record and its bytes',
    body: async (scene) => {
      const put = [bare(), full(), { ...full(), record: malformed() }];
      await scene.store.deadLetters.put(put);
      for (const letter of put) {
        const found = await scene.other.deadLetters.find(letter.id);
        const { createdAt, record, ...rest } = found!;
        assert.ok(Math.abs(createdAt.getTime() - scene.harness.now().getTime()) < 10_000, createdAt.toISOString());
        assert.deepEqual(rest, without(letter));
        assert.deepEqual(plain(record), plain(letter.record));
      }
    },
  },
  {
    title: 'any text is kept in a dead letter and in an audit entry',
    body: async (scene) => {
      for (const text of texts) {
        const letter = { ...bare(), sagaType: text, step: text, reason: text, details: { [text]: text } };
        const entry = { ...word(), step: text, actor: text, reason: text, because: text, details: { [text]: text } };
        await scene.save({ letters: [letter], audited: [entry] });
        assert.equal((await scene.store.deadLetters.find(letter.id))?.reason, text);
        assert.deepEqual((await scene.store.deadLetters.find(letter.id))?.details, { [text]: text });
        const [read] = await scene.store.audit.list({ sagaId: entry.sagaId!, limit: 1 });
        const { at: _at, ...rest } = read!;
        assert.deepEqual(rest, entry);
      }
    },
  },
  {
    title: 'a dead letter that is put again is there once, as it was first, also when it is settled',
    body: async (scene) => {
      const letter = full();
      await scene.store.deadLetters.put([letter]);
      await scene.store.deadLetters.put([{ ...letter, reason: 'another' }]);
      await scene.store.deadLetters.settle({ which: { id: letter.id }, as: 'waived', by: 'ada' });
      await scene.save({ letters: [letter] });
      const all = await scene.store.deadLetters.list({ limit: 10 });
      assert.deepEqual(all.map(({ reason, settled }) => [reason, settled?.as]), [[letter.reason, 'waived']]); // prettier-ignore
    },
  },
  {
    title: 'letters, settlements and audit entries are committed with the rows, or not at all',
    body: async (scene) => {
      const row = await scene.saved(scene.row({ status: 'deadLettered' }));
      const earlier = { ...bare(), sagaId: row.sagaId, step: row.step };
      await scene.store.deadLetters.put([earlier]);
      const later = { ...bare(), sagaId: row.sagaId, step: 'other' };
      const entry = { ...word(), sagaId: row.sagaId };
      const settlement = { which: { sagaId: row.sagaId, step: row.step }, as: 'resolved', by: 'ada' } as const;
      const changes = { rows: [row], letters: [later], settlements: [settlement], audited: [entry] };
      const lost = scene.store.transaction([], async (transaction) => {
        await transaction.save({ staged: [], published: [], ...changes });
        throw new Error('rolled back');
      });
      await assert.rejects(lost, /rolled back/);
      assert.deepEqual(await state(scene, row.sagaId), { open: [earlier.id], settled: [], words: [] });
      await assert.rejects(scene.save({ ...changes, rows: [{ ...row, version: 7 }] }), FenceConflict);
      assert.deepEqual(await state(scene, row.sagaId), { open: [earlier.id], settled: [], words: [] });
      await scene.save(changes);
      assert.deepEqual(await state(scene, row.sagaId), {
        open: [later.id],
        settled: [earlier.id],
        words: [entry.id],
      });
    },
  },
  {
    title: 'a step is settled without its records: those are settled by their ids',
    body: async (scene) => {
      const letter = bare();
      const { sagaId, step } = letter;
      const [undecided, version] = [
        { ...bare(), kind: 'undecided', sagaId, step } as const,
        { ...bare(), kind: 'version', sagaId, step } as const,
      ];
      await scene.store.deadLetters.put([letter, undecided, version]);
      const settle = { which: { sagaId: sagaId!, step: step! }, as: 'overtaken', by: '' } as const;
      assert.equal(await scene.store.deadLetters.settle(settle), 2);
      assert.equal(await scene.store.deadLetters.settle(settle), 0);
      assert.equal((await scene.store.deadLetters.find(version.id))?.settled, undefined);
      const [first, second] = await Promise.all(
        [scene.store, scene.other].map((store) =>
          store.deadLetters.settle({ which: { id: version.id }, as: 'redriven', by: 'ada' }),
        ),
      );
      assert.equal(first! + second!, 1, 'one of two that settle the same letter does');
      const { settled } = (await scene.store.deadLetters.find(version.id))!;
      assert.deepEqual({ as: settled?.as, by: settled?.by }, { as: 'redriven', by: 'ada' });
    },
  },
  {
    title: 'letters are listed oldest first, in pages, by what they are',
    body: async (scene) => {
      const letters: NewDeadLetter[] = [];
      for (const kind of ['compensation', 'record', 'compensation', 'undecided'] as const) {
        const letter = { ...bare(), kind };
        letters.push(letter);
        await scene.store.deadLetters.put([letter]);
        await scene.harness.elapse(2);
      }
      const { deadLetters } = scene.store;
      await deadLetters.settle({ which: { id: letters[2]!.id }, as: 'waived', by: 'ada' });
      const ids = async (filter: object): Promise<readonly number[]> =>
        (await deadLetters.list({ limit: 10, ...filter })).map(({ id }) => letters.findIndex((one) => one.id === id));
      assert.deepEqual(await ids({}), [0, 1, 2, 3]);
      assert.deepEqual(await ids({ state: 'open' }), [0, 1, 3]);
      assert.deepEqual(await ids({ state: 'settled' }), [2]);
      assert.deepEqual(await ids({ kind: 'compensation' }), [0, 2]);
      assert.deepEqual(await ids({ sagaId: letters[1]!.sagaId }), [1]);
      assert.deepEqual(await ids({ sagaType: 'order', limit: 2 }), [0, 1]);
      assert.deepEqual(await ids({ sagaType: 'other' }), []);
      assert.deepEqual(await ids({ sagaType: 'order', sagaVersion: 1, state: 'settled' }), [2]);
      assert.deepEqual(await ids({ sagaVersion: 2 }), []);
      assert.deepEqual(await ids({ after: letters[1]!.id, limit: 1 }), [2]);
      assert.deepEqual(await ids({ after: letters[3]!.id }), []);
    },
  },
  {
    title:
      'letters are listed for those who may take them: who has their graph and all the steps that they are kept for',
    body: async (scene) => {
      const letters: readonly NewDeadLetter[] = [
        bare(),
        { ...bare(), graph: '1:00000000000000aa' },
        { ...bare(), wanted: ['charge', 'ship'] },
        { ...bare(), graph: '1:00000000000000bb', wanted: ['ship'] },
      ];
      await scene.store.deadLetters.put(letters);
      const ids = async (graphs: readonly string[], steps: readonly string[]): Promise<readonly number[]> => {
        const listed = await scene.store.deadLetters.list({ limit: 10, takenBy: { graphs, steps } });
        return listed.map(({ id }) => letters.findIndex((one) => one.id === id)).toSorted((a, b) => a - b);
      };
      assert.deepEqual(await ids([], []), [0]);
      assert.deepEqual(await ids(['1:00000000000000aa'], ['ship']), [0, 1]);
      assert.deepEqual(await ids(['1:00000000000000bb'], ['ship', 'charge']), [0, 2, 3]);
    },
  },
  {
    title: 'the backlog of letters tells how many wait of each kind, and since when the oldest does',
    body: async (scene) => {
      assert.deepEqual(await scene.store.deadLetters.backlog(), { sizes: {} });
      const [first, second] = [bare(), { ...bare(), kind: 'record' } as const];
      await scene.store.deadLetters.put([first]);
      await scene.harness.elapse(50);
      await scene.store.deadLetters.put([second, bare()]);
      const { sizes, oldest } = await scene.store.deadLetters.backlog();
      assert.deepEqual(sizes, { compensation: 2, record: 1 });
      assert.deepEqual(oldest, (await scene.store.deadLetters.find(first.id))?.createdAt);
      await scene.store.deadLetters.settle({ which: { id: second.id }, as: 'waived', by: 'ada' });
      assert.deepEqual((await scene.store.deadLetters.backlog()).sizes, { compensation: 2 });
    },
  },
  {
    title: 'an audit entry that is there already voids the transaction that would write it again',
    body: async (scene) => {
      const entry = word();
      await scene.save({ audited: [entry] });
      const row = scene.row();
      await assert.rejects(scene.save({ rows: [row], audited: [entry] }), FenceConflict);
      assert.equal(await scene.find(row), undefined);
    },
  },
  {
    title: 'words are listed newest first, by saga and by letter',
    body: async (scene) => {
      const { sagaId } = word();
      const words = [1, 2, 3].map(() => ({ ...word(), sagaId: sagaId!, letterId: randomUUID() }));
      for (const entry of words) {
        await scene.save({ audited: [entry] });
        await scene.harness.elapse(2);
      }
      const listed = await scene.other.audit.list({ sagaId: sagaId!, limit: 2 });
      assert.deepEqual(listed.map(({ id }) => id), [words[2]!.id, words[1]!.id]); // prettier-ignore
      const ofLetter = await scene.other.audit.list({ letterId: words[0]!.letterId, limit: 2 });
      assert.deepEqual(ofLetter.map(({ id }) => id), [words[0]!.id]); // prettier-ignore
    },
  },
];

function bare(): NewDeadLetter {
  const sagaId = randomUUID();
  const named = { sagaId, sagaType: 'order', sagaVersion: 1, step: 'charge' };
  return { id: randomUUID(), kind: 'compensation', ...named, reason: 'the bank is away', details: {} };
}

function full(): NewDeadLetter {
  const headers = { ce_id: 'x', 'odd "name"': "O'Neill \u0000" };
  const origin = { topic: 'saga.order', partition: 3, offset: '42' };
  const record = { headers, key: 'k\u0000', value: '{"a":"ä🚀"}', raw: Buffer.from('{"a":"ä🚀"}'), origin };
  const details = { nul: 'a\u0000b', half: 'cut \ud83d', deep: [{ __proto: null }] };
  return {
    id: randomUUID(),
    kind: 'record',
    reason: 'no saga id',
    details,
    record,
    audience: 'listeners',
    graph: '1:0123456789abcdef',
    wanted: ["O'Neill", 'charge'],
  };
}

function malformed(): IncomingRecord {
  const origin = { topic: 'saga.order' };
  return { headers: {}, key: '', value: '', raw: bytes, malformed: 'its value is no UTF-8', origin };
}

function word(): NewAuditEntry {
  const said = { verb: 'redrive', actor: 'ada', reason: 'the bank is back' } as const;
  const answered = { verdict: 'applied', because: 'it is due now', details: {} } as const;
  return { id: randomUUID(), sagaId: randomUUID(), step: 'charge', ...said, ...answered };
}

function without({ record: _record, ...letter }: NewDeadLetter): object {
  return letter;
}

function plain(record: IncomingRecord | undefined): object | undefined {
  return record && { ...record, raw: [...record.raw] };
}

async function state(scene: Scene, sagaId: string): Promise<object> {
  const { deadLetters, audit } = scene.other;
  const ids = (list: readonly { readonly id: string }[]): readonly string[] => list.map(({ id }) => id);
  return {
    open: ids(await deadLetters.list({ sagaId, state: 'open', limit: 10 })),
    settled: ids(await deadLetters.list({ sagaId, state: 'settled', limit: 10 })),
    words: ids(await audit.list({ sagaId, limit: 10 })),
  };
}
