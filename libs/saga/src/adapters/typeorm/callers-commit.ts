import type { QueryRunner } from 'typeorm';
import type { Changes } from '../../ports/step-store.js';
import { readWith } from './reading.js';
import { asJson } from './statements.js';
import { queryApart } from './step-transaction.js';
import type { Tables } from './tables.js';

/** Something that waits for the outermost commit of a caller's transaction, and what that must hold. */
interface Waiting {
  /** Absent where nothing was saved: then the commit itself is enough. */
  readonly saved?: Changes | undefined;
  readonly call: () => void;
}

type Read = (text: string, values: readonly unknown[]) => Promise<readonly { readonly held: string }[]>;

const waitingOn = new WeakMap<QueryRunner, Waiting[]>();

/**
 * Calls back once after the runner's transaction is over, if the database holds what was saved. TypeORM tells subscribers of a commit also when a
 * savepoint is released, so the runner itself is watched; and what a savepoint took back, or a COMMIT in SQL let through, the tables know best.
 */
export function afterOutermostCommit(runner: QueryRunner, tables: Tables, waiting: Waiting): void {
  const known = waitingOn.get(runner);
  if (known) known.push(waiting);
  else watch(runner, tables, [waiting]);
}

function watch(runner: QueryRunner, tables: Tables, waiting: Waiting[]): void {
  waitingOn.set(runner, waiting);
  const commit = runner.commitTransaction.bind(runner);
  const rollBack = runner.rollbackTransaction.bind(runner);
  const release = runner.release.bind(runner);
  const here: Read = (text, values) => readWith(runner, text, values);
  const apart: Read = (text, values) => queryApart(runner.dataSource, text, values);
  const ending = async (end: () => Promise<void>, isCommit: boolean): Promise<void> => {
    try {
      await end();
    } finally {
      if (!runner.isTransactionActive) await callBack(waiting, tables, here, isCommit);
    }
  };
  Object.assign(runner, {
    commitTransaction: () => ending(commit, true),
    rollbackTransaction: () => ending(rollBack, false),
    release: async () => {
      await release();
      void callBack(waiting, tables, apart, false);
    },
  });
}

/** On trouble all go on waiting: they are looked for once more when the runner is released, and then the sweep of the outbox finds them. */
async function callBack(waiting: Waiting[], tables: Tables, read: Read, isCommit: boolean): Promise<void> {
  const all = waiting.splice(0);
  if (all.length === 0) return;
  const held = await heldOf(all, tables, read).catch(() => undefined);
  if (!held) waiting.unshift(...all);
  else for (const { saved, call } of all) if (saved ? held(saved) : isCommit) call();
}

/** All that one call saved was in one savepoint: a part of it stands for the whole. */
async function heldOf(waiting: readonly Waiting[], tables: Tables, read: Read): Promise<(saved: Changes) => boolean> {
  const ids = waiting.flatMap(({ saved }) => saved?.staged.slice(0, 1) ?? []).map(({ id }) => id);
  if (waiting.every(({ saved }) => !saved)) return () => false;
  const bare = waiting.flatMap(({ saved }) => (saved && saved.staged.length === 0 ? saved.rows.slice(0, 1) : []));
  const found = await read(
    asJson(`SELECT id::text AS held FROM ${tables.outbox} WHERE id = ANY($1::uuid[])
     UNION ALL SELECT s.saga_id || '/' || s.step FROM ${tables.step} s JOIN unnest($2::uuid[], $3::text[], $4::integer[]) w (saga_id, step, version)
     ON s.saga_id = w.saga_id AND s.step = w.step AND s.version > w.version`),
    [ids, bare.map(({ sagaId }) => sagaId), bare.map(({ step }) => step), bare.map(({ version }) => version)],
  );
  const held = new Set(found.map((row) => row.held));
  return ({ staged: [message], rows: [row] }) =>
    message ? held.has(message.id) : !row || held.has(`${row.sagaId}/${row.step}`);
}
