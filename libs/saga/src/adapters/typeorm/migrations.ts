import type { DataSource, QueryRunner } from 'typeorm';
import { SagaError } from '../../protocol/errors.js';
import { readWith } from './reading.js';
import { queryApart, rolledBack, withRunner } from './step-transaction.js';
import { tableState, type TableState } from './table-state.js';
import { identifier, tablesOf, type Tables } from './tables.js';

/** Each entry runs once, in order, and is never changed after a release. */
export const migrations: readonly string[] = [
  `CREATE TABLE saga_step (
     saga_id uuid NOT NULL,
     step text NOT NULL,
     saga_type text NOT NULL,
     saga_version integer NOT NULL,
     status text NOT NULL,
     predecessors_done text[],
     successors_closed text[],
     inputs json,
     result json,
     cause json,
     correlation_id text,
     partition_key text,
     traceparent text,
     causation_id text,
     attempts integer NOT NULL,
     failing_since timestamptz,
     next_attempt_at timestamptz,
     last_error text,
     version integer NOT NULL,
     updated_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (saga_id, step)
   );
   CREATE INDEX saga_step_due ON saga_step (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
   CREATE TABLE saga_outbox (
     id uuid PRIMARY KEY,
     event json NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now()
   ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
   CREATE TABLE saga_event (
     saga_id uuid NOT NULL,
     message_id text NOT NULL,
     saga_type text NOT NULL,
     event json NOT NULL,
     logged_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (saga_id, message_id)
   );
   CREATE TABLE saga_instance (
     saga_id uuid PRIMARY KEY,
     saga_type text NOT NULL,
     saga_version integer NOT NULL,
     status text NOT NULL,
     steps json NOT NULL,
     inconsistencies text[] NOT NULL,
     correlation_id text NOT NULL,
     started_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL
   );
   CREATE INDEX saga_instance_open ON saga_instance (updated_at) WHERE status NOT IN ('completed', 'aborted');`,
  `CREATE TABLE saga_dead_letter (
     id uuid PRIMARY KEY,
     kind text NOT NULL,
     saga_id uuid,
     saga_type text,
     saga_version integer,
     step text,
     reason text NOT NULL,
     details json NOT NULL,
     record json,
     bytes bytea,
     audience text,
     created_at timestamptz NOT NULL DEFAULT now(),
     settled_at timestamptz,
     settled_as text,
     settled_by text
   );
   CREATE INDEX saga_dead_letter_open ON saga_dead_letter (created_at, id) WHERE settled_at IS NULL;
   CREATE INDEX saga_dead_letter_saga ON saga_dead_letter (saga_id, step) WHERE saga_id IS NOT NULL;
   CREATE TABLE saga_audit (
     id uuid PRIMARY KEY,
     at timestamptz NOT NULL DEFAULT now(),
     verb text NOT NULL,
     saga_id uuid,
     step text,
     letter_id uuid,
     actor text NOT NULL,
     reason text NOT NULL,
     verdict text NOT NULL,
     because text NOT NULL,
     details json NOT NULL
   );
   ALTER TABLE saga_step ADD COLUMN operated json;
   CREATE INDEX saga_audit_saga ON saga_audit (saga_id, at) WHERE saga_id IS NOT NULL;
   CREATE INDEX saga_audit_letter ON saga_audit (letter_id, at) WHERE letter_id IS NOT NULL;`,
  `CREATE TABLE saga_timer (
     saga_id uuid NOT NULL,
     step text NOT NULL,
     kind text NOT NULL,
     saga_type text NOT NULL,
     saga_version integer NOT NULL,
     due_at timestamptz NOT NULL,
     PRIMARY KEY (saga_id, step, kind)
   );
   CREATE INDEX saga_timer_due ON saga_timer (due_at);`,
  `ALTER TABLE saga_instance ADD COLUMN unfolded boolean NOT NULL DEFAULT false;
   CREATE INDEX saga_instance_unfolded ON saga_instance (saga_id) WHERE unfolded;`,
  `ALTER TABLE saga_instance ADD COLUMN debts text[] NOT NULL DEFAULT '{}';`,
  `CREATE TABLE saga_lock (
     resource text PRIMARY KEY,
     saga_id uuid NOT NULL,
     steps text[] NOT NULL,
     since timestamptz NOT NULL DEFAULT now()
   );
   CREATE INDEX saga_lock_holder ON saga_lock (saga_id);
   CREATE TABLE saga_lock_wait (
     saga_id uuid NOT NULL,
     resource text NOT NULL,
     since timestamptz NOT NULL DEFAULT now(),
     until timestamptz NOT NULL,
     PRIMARY KEY (saga_id, resource)
   );`,
  `ALTER TABLE saga_step ADD COLUMN settled_at timestamptz;
   CREATE INDEX saga_step_settled ON saga_step (settled_at) WHERE settled_at IS NOT NULL;
   CREATE INDEX saga_dead_letter_settled ON saga_dead_letter (settled_at) WHERE settled_at IS NOT NULL;
   CREATE INDEX saga_instance_settled ON saga_instance (updated_at) WHERE status IN ('completed', 'aborted');`,
  `ALTER TABLE saga_step ADD COLUMN undecided json;`,
  `ALTER TABLE saga_step ADD COLUMN parent text;`,
  `ALTER TABLE saga_step ADD COLUMN branches json;`,
  `CREATE INDEX saga_dead_letter_kind ON saga_dead_letter (kind, saga_type, saga_version, created_at, id) WHERE settled_at IS NULL;`,
  `ALTER TABLE saga_step ADD COLUMN graph text;
   ALTER TABLE saga_dead_letter ADD COLUMN graph text;
   ALTER TABLE saga_dead_letter ADD COLUMN wanted text[];`,
  `ALTER TABLE saga_timer ADD COLUMN ends_at timestamptz;`,
  `ALTER TABLE saga_step ADD COLUMN started_by text;
   ALTER TABLE saga_step ADD COLUMN postponed json;`,
  `ALTER TABLE saga_instance ADD COLUMN parent_saga uuid, ADD COLUMN parent_step text;
   CREATE INDEX saga_instance_parent ON saga_instance (parent_saga) WHERE parent_saga IS NOT NULL;`,
  `CREATE TABLE saga_owner (
     service text PRIMARY KEY,
     since timestamptz NOT NULL DEFAULT now()
   );`,
];

/** Before it, records without a CloudEvents id were told by their keys. */
const recordsToldApart = migrations.findIndex((statements) => statements.includes('ADD COLUMN started_by')) + 1;

const lockKey = 7_305_801_124;

/** How many migrations this version of the library knows. */
export const knownMigrations = migrations.length;

/**
 * Brings the library's tables up to date, in the DataSource's `schema`, else in the first of its search_path; makes them, and the schema, where they are not, and again
 * where they were dropped. Whoever calls this says that it may be so.
 *
 * @throws SagaError `TABLES_IN_PART` when only some of them are there; `TABLES_NOT_ALLOWED` when the role may not make them
 */
export function migrate(dataSource: DataSource): Promise<void> {
  return migrateTables(dataSource, tablesOf(dataSource));
}

/** Replicas that start together wait for each other, and then see what the first has done, whatever isolation the application prefers. */
export async function migrateTables(dataSource: DataSource, tables: Tables): Promise<void> {
  await inTransaction(dataSource, async (runner) => {
    // neither a time limit of the role's nor its search_path is meant for this
    await runner.query('SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0');
    await runner.query('SELECT pg_advisory_xact_lock($1)', [lockKey]);
    await bringUp(runner, tables, refusePartial(tables, await tableState(runner, tables, tablesAfter)));
  }).catch((error: unknown) => {
    throw notAllowed(error, tables) ?? error;
  });
}

/** What is there of the library's tables. */
export function lookAtTables(dataSource: DataSource, tables: Tables): Promise<TableState> {
  return withRunner(dataSource, (runner) => tableState(runner, tables, tablesAfter));
}

async function bringUp(runner: QueryRunner, tables: Tables, { status, done }: { status: string; done: number }) {
  if (status === 'kept' && done >= migrations.length) return; // a role that may make nothing can start all the same
  const schema = identifier(tables.schema);
  const exists = await readWith(runner, `SELECT 'true' AS record FROM pg_namespace WHERE nspname = $1`, [
    tables.schema,
  ]);
  if (exists.length === 0) await runner.query(`CREATE SCHEMA ${schema}`);
  await runner.query(`SET LOCAL search_path = ${schema}, pg_temp`); // what migrations name is there
  await runner.query(
    'CREATE TABLE IF NOT EXISTS saga_migration (id integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())',
  );
  if (status !== 'kept') await runner.query('DELETE FROM saga_migration');
  for (const [index, statements] of migrations.entries()) {
    if (index >= done) await runner.query(statements);
    if (index >= done || status === 'emptied')
      await runner.query('INSERT INTO saga_migration (id) VALUES ($1)', [index + 1]);
  }
  await runner.query(`COMMENT ON TABLE saga_migration IS '${Math.max(done, migrations.length)}'`);
}

function refusePartial({ schema }: Tables, state: TableState): { readonly status: string; readonly done: number } {
  if (state.status === 'absent') return { status: state.status, done: 0 };
  if (state.status !== 'partial') return state;
  const [present, missing] = [state.present, state.missing].map((names) => names.join(', '));
  throw new SagaError(
    'TABLES_IN_PART',
    `Schema "${schema}" has ${present} but not ${missing}. Where the missing ones were dropped, restore them from a backup, or drop all tables of the library for them to be made again; where a table is not the library's, give the DataSource another schema.`,
    { retriable: false },
  );
}

/** The library's tables after so many migrations. */
function tablesAfter(done: number): readonly string[] {
  return [
    ...migrations
      .slice(0, done)
      .join(';')
      .matchAll(/CREATE TABLE (\w+)/g),
  ].map(([, name]) => name!);
}

function notAllowed(error: unknown, { schema }: Tables): SagaError | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  if (code !== '42501') return undefined;
  return new SagaError(
    'TABLES_NOT_ALLOWED',
    `The role of the DataSource may not make the tables of sagas in schema "${schema}" (${String(error)}). Let it: GRANT USAGE, CREATE ON SCHEMA ${identifier(schema)} TO <role> (and GRANT CREATE ON DATABASE where the schema is not there yet, or create that by hand); or set migrations: 'manual' and call migrateSagaTables(dataSource) with a role that may.`,
    { retriable: false },
    { cause: error },
  );
}

export function inTransaction<T>(dataSource: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  return withRunner(dataSource, async (runner) => {
    try {
      await runner.startTransaction('READ COMMITTED');
      const result = await work(runner);
      await runner.commitTransaction();
      return result;
    } catch (error) {
      await rolledBack(runner);
      throw error;
    }
  });
}

/** When the tables of a version that told records by their keys were upgraded; nothing where they never were that old. */
export async function upgradedFromKeysAt(dataSource: DataSource, { migration }: Tables): Promise<Date | undefined> {
  const [at] = await queryApart<number>(
    dataSource,
    `SELECT (date_part('epoch', at) * 1000)::text AS record FROM ${migration} WHERE id = $1 AND at > (SELECT at FROM ${migration} WHERE id = 1)`,
    [recordsToldApart],
  );
  return at === undefined ? undefined : new Date(at);
}
