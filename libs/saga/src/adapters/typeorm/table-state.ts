import type { QueryRunner } from 'typeorm';
import { asJson } from './statements.js';
import { readWith } from './reading.js';
import type { Tables } from './tables.js';

/**
 * What is found of the library's tables in their schema. `absent`: none. `partial`: only some. `emptied`: all, but not what was noted of their
 * migrations: somebody has emptied every table of the schema.
 */
export type TableState =
  | { readonly status: 'absent' }
  | { readonly status: 'partial'; readonly present: readonly string[]; readonly missing: readonly string[] }
  | { readonly status: 'emptied' | 'kept'; readonly done: number };

/** What the first migrations made, one of each: so an emptied schema tells how far it was brought before that was marked. */
const madeByMigration = [
  'saga_step',
  'saga_dead_letter',
  'saga_timer',
  'saga_instance.unfolded',
  'saga_instance.debts',
  'saga_lock',
  'saga_step.settled_at',
  'saga_step.undecided',
  'saga_step.parent',
  'saga_step.branches',
  'saga_dead_letter_kind',
];

interface Found {
  readonly relations: readonly string[];
  readonly columns: readonly string[];
  /** How far the tables are, written where emptying them does not reach. */
  readonly mark: string | null;
}

/** @param tablesAfter the tables that there are after so many migrations */
export async function tableState(
  runner: QueryRunner,
  tables: Tables,
  tablesAfter: (done: number) => readonly string[],
): Promise<TableState> {
  const { relations, columns, mark } = await found(runner, tables);
  const present = tablesAfter(Number.POSITIVE_INFINITY).filter((name) => relations.includes(name));
  if (present.length === 0) return { status: 'absent' };
  const [noted] = relations.includes('saga_migration')
    ? await readWith<number>(runner, `SELECT count(*)::text AS record FROM ${tables.migration}`)
    : [];
  const known = new Set([...relations, ...columns]);
  const first = madeByMigration.findIndex((made) => !known.has(made));
  const done = noted || Number(mark ?? 0) || (first < 0 ? madeByMigration.length : first);
  const missing = tablesAfter(Math.max(done, 1)).filter((name) => !relations.includes(name));
  if (missing.length > 0) return { status: 'partial', present, missing };
  return { status: noted ? 'kept' : 'emptied', done };
}

async function found(runner: QueryRunner, { schema }: Tables): Promise<Found> {
  const [all] = await readWith<Found>(
    runner,
    asJson(`SELECT
      ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname LIKE 'saga\\_%') AS relations,
      ARRAY(SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = n.oid AND c.relname IN ('saga_step', 'saga_instance') AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
      (SELECT obj_description(c.oid, 'pg_class') FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'saga_migration') AS mark
      FROM pg_namespace n WHERE n.nspname = $1`),
    [schema],
  );
  return all ?? { relations: [], columns: [], mark: null };
}
