import type { DataSource } from 'typeorm';
import { inTransaction } from './migrations.js';
import { readWith } from './reading.js';
import { asJson } from './statements.js';
import { queryApart } from './step-transaction.js';
import { tablesIn, tablesOf, type Tables } from './tables.js';

/** The service that looks for its tables, with the names of the steps and listeners that it has rows of. */
export interface TableUser {
  readonly service: string;
  readonly steps: readonly { readonly saga: string; readonly step: string }[];
}

/** Where a service's tables are. `adopted`: not where they would be made now, but where an earlier version made them; `others`: whose they are. */
export interface Place {
  readonly tables: Tables;
  readonly adopted: boolean;
  readonly others: readonly string[];
}

/**
 * Finds a service's tables. Earlier versions made them in the first schema of the search_path, whatever the DataSource's `schema` said, and named
 * no owner: those are the service's where it has rows in them, or where nobody has any.
 */
export async function findTables(dataSource: DataSource, user: TableUser): Promise<Place> {
  const wanted = tablesOf(dataSource);
  const here = { tables: wanted, adopted: false, others: [] };
  const [seen] = await queryApart<{ readonly wanted: boolean; readonly visible: string | null }>(
    dataSource,
    asJson(`SELECT to_regclass($1) IS NOT NULL AS wanted,
      (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass('saga_step')) AS visible`),
    [wanted.step],
  );
  const elsewhere = seen?.visible;
  if (!seen || seen.wanted || elsewhere === null || elsewhere === undefined) return here;
  const tables = tablesIn(elsewhere);
  const owners = await ownersOf(dataSource, tables);
  if (owners.includes(user.service)) return { tables, adopted: true, others: [] };
  const rows = await rowsIn(dataSource, tables, user);
  if (rows === 'own' || (rows === 'none' && owners.length === 0)) return { tables, adopted: true, others: owners };
  return here;
}

/**
 * Notes that the tables are a service's, the first of them.
 *
 * @returns the services whose they are
 */
export function claimTables(dataSource: DataSource, tables: Tables, service: string): Promise<readonly string[]> {
  return inTransaction(dataSource, async (runner) => {
    const owners = `SELECT to_json(service)::text AS record FROM ${tables.owner} ORDER BY since, service`;
    const before = await readWith<string>(runner, owners);
    if (before.length > 0) return before;
    await runner.query(`LOCK TABLE ${tables.owner} IN SHARE ROW EXCLUSIVE MODE`);
    await runner.query(
      `INSERT INTO ${tables.owner} (service) SELECT $1::text WHERE NOT EXISTS (SELECT 1 FROM ${tables.owner})`,
      [service],
    );
    return readWith<string>(runner, owners);
  });
}

async function ownersOf(dataSource: DataSource, { owner }: Tables): Promise<readonly string[]> {
  const known = await queryApart(dataSource, `SELECT 'true' AS record WHERE to_regclass($1) IS NOT NULL`, [owner]);
  if (known.length === 0) return [];
  return queryApart(dataSource, `SELECT to_json(service)::text AS record FROM ${owner}`);
}

async function rowsIn(
  dataSource: DataSource,
  { step }: Tables,
  { steps }: TableUser,
): Promise<'own' | 'none' | 'others'> {
  const [rows] = await queryApart<{ readonly own: boolean; readonly any: boolean }>(
    dataSource,
    asJson(`SELECT EXISTS (SELECT 1 FROM ${step}) AS any, EXISTS (SELECT 1 FROM ${step}
      WHERE (saga_type, split_part(step, '[', 1)) IN (SELECT * FROM unnest($1::text[], $2::text[]))) AS own`),
    [steps.map(({ saga }) => saga), steps.map((one) => one.step)],
  );
  if (rows?.own) return 'own';
  return rows?.any ? 'others' : 'none';
}
