import assert from 'node:assert/strict';
import type { Envelope } from '../protocol/envelope.js';
import { outcomes } from '../protocol/outcome.js';
import type { StepStatus } from '../protocol/step-state.js';
import type { FenceRow } from '../ports/fence-row.js';
import type { Scene, StoreFact } from './store-contract-scene.js';

const statuses: readonly StepStatus[] = [
  'none',
  'running',
  'done',
  'compensating',
  'deadLettered',
  'rejected',
  'cancelled',
  'compensated',
];

/** Texts that break what writes them into SQL, JSON or an array literal without care. */
export const texts: readonly string[] = [
  "O'Neill",
  `say "no"`,
  'back\\slash and trailing \\',
  "\\'; DROP TABLE saga_step; --",
  "'; DROP TABLE saga_step; --",
  "E'\\x27' || $1 || $$",
  '{a,b}, (c) [d] %s :name ?',
  'new\nline\ttab\r',
  'null',
  '',
  ' ',
  'Käse, 起動, עברית, 🚀👩‍👩‍👧',
];

/** What JSON can say and a database's text type often cannot. */
const documents: readonly object[] = [
  {},
  { nothing: null, no: false, zero: 0, minus: -1.5e-7, big: 9_007_199_254_740_991, list: [[], [null], {}] },
  Object.fromEntries(texts.map((text, index) => [`${text}${index}`, text])),
  { nul: 'a\u0000b', half: 'cut \ud83d', otherHalf: '\ude80 cut', control: '\u0001\u001f\u007f\u0085\u2028' },
  { __proto: { constructor: 'x' }, date: '2026-03-01T10:20:30.456Z', long: 'x'.repeat(100_000) },
];

/** What goes in comes out. */
export const fieldFacts: readonly StoreFact[] = [
  {
    title: 'every field of a row comes back as it was saved, read with a lock, by its saga and as due',
    body: async (scene) => {
      const saved = await scene.saved(full(scene));
      const { dueIn, ...rest } = saved;
      const [read] = await locked(scene, saved);
      assert.deepEqual(read, { ...rest, dueIn: read?.dueIn });
      const late = (dueIn ?? Number.NaN) - (read?.dueIn ?? Number.NaN);
      assert.ok(Math.abs(late) < 5_000, String(read?.dueIn));
      const [found] = await scene.other.find(saved.sagaId);
      assert.deepEqual(found, { ...rest, dueIn: found?.dueIn });
      const [claimed] = await scene.store.claimDue(1, 60_000);
      assert.deepEqual(claimed, { ...rest, dueIn: 60_000, version: claimed!.version });
    },
  },
  {
    title: 'a field that a row no longer has is gone',
    body: async (scene) => {
      const { headers, sagaId, step, version } = await scene.saved(full(scene));
      const { traceparent: _trace, branches: _branches, graph: _graph, ...rest } = headers;
      const bare = await scene.saved(scene.row({ sagaId, step, version, headers: rest }));
      assert.deepEqual(await locked(scene, bare), [bare]);
    },
  },
  {
    title: 'a row is kept in every status',
    body: async (scene) => {
      const rows = statuses.map((status) => scene.row({ status }));
      await scene.save({ rows });
      for (const row of rows) assert.deepEqual(await locked(scene, row), [{ ...row, version: 1 }]);
    },
  },
  {
    title: 'names with quotes, backslashes and SQL in them name their own row and no other',
    body: async (scene) => {
      const sagaId = scene.row().sagaId;
      const rows = texts.map((step) => scene.row({ sagaId, step, predecessorsDone: texts, successorsClosed: [step] }));
      await scene.save({ rows });
      for (const row of rows) assert.deepEqual(await locked(scene, row), [{ ...row, version: 1 }]);
      const together = await scene.store.transaction(rows, async (transaction) => transaction.rows);
      assert.equal(together.length, rows.length);
    },
  },
  {
    title: 'any text is kept in the headers of a row, its causation and its last error',
    body: async (scene) => {
      const rows = texts.map((text) => {
        const row = scene.row({ causationId: text, lastError: text });
        const headers = { ...row.headers, correlationId: text, partitionKey: text, traceparent: text, sagaType: text };
        return { ...row, headers };
      });
      await scene.save({ rows });
      for (const row of rows) assert.deepEqual(await locked(scene, row), [{ ...row, version: 1 }]);
    },
  },
  {
    title: 'any JSON is kept in inputs, result and cause, also what a text column cannot hold',
    body: async (scene) => {
      for (const data of documents) {
        const stored = { type: 'stock.reserved', data };
        const cause = { step: 'charge', reason: JSON.stringify(data) + String(Object.values(data)[0]) };
        const row = scene.row({ inputs: { reserve: stored, 'a "b"': stored }, result: stored, cause });
        const saved = await scene.saved(row);
        assert.deepEqual(await locked(scene, saved), [saved]);
      }
    },
  },
  {
    title: 'an event that is an instance of a class is kept as its JSON',
    body: async (scene) => {
      class Reserved {
        readonly until = new Date('2026-03-01T00:00:00Z');
        readonly note = undefined;
        constructor(readonly quantity: number) {}
      }
      const row = scene.row({ inputs: { place: { type: 'stock.reserved', data: new Reserved(3) } } });
      await scene.save({ rows: [row], staged: [scene.message({ data: new Reserved(4) })] });
      const [read] = await locked(scene, row);
      assert.deepEqual(read?.inputs, {
        place: { type: 'stock.reserved', data: { quantity: 3, until: '2026-03-01T00:00:00.000Z' } },
      });
      const [message] = await scene.waiting();
      assert.deepEqual(message?.event.data, { quantity: 4, until: '2026-03-01T00:00:00.000Z' });
    },
  },
  {
    title: 'every field of a staged event comes back as it was saved, for every outcome',
    body: async (scene) => {
      const staged = outcomes.flatMap((outcome) => [
        scene.message({ outcome }),
        scene.message({ ...fullEvent, outcome }),
      ]);
      await scene.save({ staged });
      assert.deepEqual(await scene.waiting(), staged);
    },
  },
  {
    title: 'any text and any JSON is kept in a staged event',
    body: async (scene) => {
      const staged = [
        ...texts.map((text) => scene.message({ ...fullEvent, step: text, type: text, partitionKey: text })),
        ...documents.map((data) => scene.message({ ...fullEvent, data })),
      ];
      await scene.save({ staged });
      assert.deepEqual(await scene.waiting(), staged);
    },
  },
  {
    title: 'a thousand rows and events are saved at once',
    body: async (scene) => {
      const rows = Array.from({ length: 1_000 }, () => scene.row({ status: 'running' }));
      const staged = scene.messages(1_000);
      await scene.store.transaction(rows, (transaction) => transaction.save({ rows, staged, published: [] }));
      const read = await scene.store.transaction(rows, async (transaction) => transaction.rows);
      assert.equal(read.length, 1_000);
      assert.equal((await scene.store.outbox.backlog()).size, 1_000);
    },
  },
];

const fullEvent: Partial<Envelope> = {
  correlationId: 'request-7',
  partitionKey: 'order-9',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  causationId: '0d7f3b52-6a0e-4f2e-9d43-6f2f8f5a1c11:place:done',
  cause: { step: 'charge', reason: 'over limit' },
  sagaVersion: 7,
  graph: '1:0123456789abcdef',
  parent: {
    sagaType: 'order',
    sagaVersion: 2,
    sagaId: '0d7f3b52-6a0e-4f2e-9d43-6f2f8f5a1c11',
    step: 'settle',
  },
  branches: { reserve: ['flight', 'hotel:1', '__proto__'], charge: [] },
};

function full(scene: Scene): FenceRow {
  const row = scene.due(-86_400_000);
  return {
    ...row,
    predecessorsDone: ['place', 'charge'],
    successorsClosed: ['ship'],
    headers: {
      ...row.headers,
      sagaVersion: 7,
      graph: fullEvent.graph!,
      correlationId: 'request-7',
      partitionKey: 'order-9',
      branches: fullEvent.branches!,
      traceparent: fullEvent.traceparent!,
      parent: fullEvent.parent!,
    },
    inputs: { place: { type: 'order.placed', data: { orderId: '9' } } },
    result: { type: 'stock.reserved', data: { quantity: 2 } },
    cause: { step: 'ship', reason: 'no carrier' },
    causationId: fullEvent.causationId!,
    startedBy: '["payment.asked",0,"7","1772353230456"]',
    attempts: 3,
    undecided: { attempt: 'an attempt', earlier: true },
    postponed: { times: 3, since: new Date('2026-03-01T10:20:29.123Z') },
    failingSince: new Date('2026-03-01T10:20:30.456Z'),
    lastError: 'Error: socket hang up',
  };
}

function locked(scene: Scene, row: FenceRow): Promise<readonly FenceRow[]> {
  return scene.other.transaction([row], async ({ rows }) => rows);
}
