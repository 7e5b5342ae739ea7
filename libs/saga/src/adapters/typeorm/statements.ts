import type { FenceKey } from '../../ports/fence-row.js';
import type { StepRecord, WrittenRecord } from './row-mapping.js';
import type { Tables } from './tables.js';

/** When a row is due, as the milliseconds that are left: the database's clock alone tells, and in one transaction it stands still. */
const dueIn = `date_part('epoch', next_attempt_at - now()) * 1000 AS due_in`;

/** A query each of whose rows is one JSON text, in the column `record`: only the library reads it, whatever is made elsewhere of the types of columns. */
export function asJson(query: string): string {
  return `SELECT row_to_json(r)::text AS record FROM (${query}) r`;
}

/** All rows of the saga $1. */
export const findStatement = (tables: Tables): string =>
  asJson(`SELECT *, ${dueIn} FROM ${tables.step} WHERE saga_id = $1`);

/** When the row of the saga $1 and the step $2 was last saved, in ms since 1970. */
export const savedAtStatement = (tables: Tables): string =>
  asJson(
    `SELECT date_part('epoch', updated_at) * 1000 AS saved_at FROM ${tables.step} WHERE saga_id = $1 AND step = $2`,
  );

export const nextDueStatement = (tables: Tables): string =>
  asJson(
    `SELECT date_part('epoch', min(next_attempt_at) - now()) * 1000 AS due_in FROM ${tables.step} WHERE next_attempt_at IS NOT NULL`,
  );

/**
 * Locks and reads rows, in one order for all transactions: those of the keys, and others of the same sagas whose step another key names.
 * Its values are written in, so that it can travel with the start of the transaction; nothing for no keys.
 */
export function lockStatement(tables: Tables, keys: readonly FenceKey[]): string | undefined {
  if (keys.length === 0) return undefined;
  return asJson(`SELECT *, ${dueIn} FROM ${tables.step}
    WHERE saga_id = ANY(${arrayOf(keys.map((key) => key.sagaId))}::uuid[]) AND step = ANY(${arrayOf(keys.map((key) => key.step))}::text[])
    ORDER BY saga_id, step FOR UPDATE`);
}

function arrayOf(values: readonly string[]): string {
  return `ARRAY[${[...new Set(values)].map(literal).join(',')}]`;
}

/** A value in SQL. A text that needs it is in the escape notation, which means the same whatever `standard_conforming_strings` says; a NUL, which no text of Postgres can hold, is left out. */
function literal(value: StepRecord[keyof StepRecord]): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  return textArray(value as readonly string[]);
}

export function textArray(texts: readonly string[]): string {
  return `ARRAY[${texts.map(quoted).join(',')}]::text[]`;
}

/** A text in SQL. */
export function quoted(text: string): string {
  if (!/['\\\0]/.test(text)) return `'${text}'`;
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\0', '')}'`;
}

const columns = [
  'saga_id',
  'step',
  'saga_type',
  'saga_version',
  'graph',
  'status',
  'predecessors_done',
  'successors_closed',
  'inputs',
  'result',
  'cause',
  'correlation_id',
  'partition_key',
  'branches',
  'traceparent',
  'parent',
  'causation_id',
  'attempts',
  'failing_since',
  'due_in',
  'last_error',
  'operated',
  'settled_at',
  'undecided',
  'started_by',
  'postponed',
  'version',
] as const satisfies readonly (keyof StepRecord)[];

/** Rows that are new and rows that were read take different statements: the first is the cheaper one, and most rows are written once. */
export function saveStatements(tables: Tables, records: readonly WrittenRecord[]): readonly string[] {
  const made = records.filter(({ version }) => version === 1);
  const changed = records.filter(({ version }) => version > 1);
  return [
    ...(made.length > 0 ? [insertion(tables, made)] : []),
    ...(changed.length > 0 ? [change(tables, changed)] : []),
  ];
}

/** Fails on the primary key when somebody else was first. */
function insertion(tables: Tables, records: readonly WrittenRecord[]): string {
  const used = columns.filter((column) => records.some((record) => record[column] !== null));
  return `INSERT INTO ${tables.step} (${used.map(nameOf).join(',')}) VALUES ${records.map((record) => rowValues(record, used)).join(',')}`;
}

/** Fails on the version, which may not be null, when somebody else changed a row since it was read. */
function change(tables: Tables, records: readonly WrittenRecord[]): string {
  const set = columns.slice(2).map((column) => `${nameOf(column)} = ${updated(column)}`);
  return `INSERT INTO ${tables.step} AS stored (${columns.map(nameOf).join(',')}) VALUES ${records.map((record) => rowValues(record, columns)).join(',')}
    ON CONFLICT (saga_id, step) DO UPDATE SET ${set.join(',')}, updated_at = now()`;
}

function updated(column: keyof StepRecord): string {
  if (column === 'version') return 'CASE stored.version WHEN EXCLUDED.version - 1 THEN EXCLUDED.version END';
  if (column !== 'settled_at') return `EXCLUDED.${nameOf(column)}`;
  return 'CASE WHEN EXCLUDED.settled_at IS NOT NULL THEN COALESCE(stored.settled_at, EXCLUDED.settled_at) END';
}

function rowValues(record: WrittenRecord, used: readonly (keyof StepRecord)[]): string {
  return `(${used.map((column) => valueOf(record, column)).join(',')})`;
}

function nameOf(column: keyof StepRecord): string {
  return column === 'due_in' ? 'next_attempt_at' : column;
}

function valueOf(record: WrittenRecord, column: keyof StepRecord): string {
  if (column === 'settled_at') return record.settled_at === null ? 'NULL::timestamptz' : 'now()';
  const value = literal(record[column]);
  return column === 'due_in' && record.due_in !== null ? `now() + ${value} * interval '1 millisecond'` : value;
}

/** Stages events; each is a JSON text. */
export function stageStatement(
  tables: Tables,
  messages: readonly { readonly id: string; readonly event: string }[],
): string {
  return `INSERT INTO ${tables.outbox} (id, event) VALUES ${messages.map(({ id, event }) => `(${quoted(id)},${quoted(event)})`).join(',')}`;
}

/** Steps that have no effect any more let go of what they hold; what other steps of their saga have taken, too, is held for these. */
export function unlockStatements(tables: Tables, keys: readonly FenceKey[]): readonly string[] {
  if (keys.length === 0) return [];
  const sagas = `saga_id = ANY(${arrayOf(keys.map(({ sagaId }) => sagaId))}::uuid[])`;
  const steps = arrayOf(keys.map(({ step }) => step));
  const released = keys.map(({ sagaId, step }) => `(${quoted(sagaId)}::uuid, ${quoted(step)})`).join(',');
  return [
    `UPDATE ${tables.lock} SET steps = ARRAY(SELECT step FROM unnest(steps) step WHERE (saga_id, step) NOT IN (${released})) WHERE ${sagas} AND steps && ${steps}::text[]`,
    `DELETE FROM ${tables.lock} WHERE ${sagas} AND steps = '{}'`,
  ];
}

/** Deletes published events. What a sweeper has in hand is left to it: a replica that has lost Kafka must not hold up those that have not. */
export function forgetStatement(tables: Tables, ids: readonly string[]): string {
  return `DELETE FROM ${tables.outbox} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${tables.outbox} WHERE id = ANY(${arrayOf(ids)}::uuid[]) FOR UPDATE SKIP LOCKED))`;
}

/** Leases the rows that are due. $1: how many at most, $2: the lease in ms. Materialized, so that the limit holds whatever the plan. */
export const claimStatement = (tables: Tables): string => `
  WITH due AS MATERIALIZED (
    SELECT saga_id, step, next_attempt_at AS since FROM ${tables.step} WHERE next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE ${tables.step} s SET next_attempt_at = now() + $2 * interval '1 millisecond', version = s.version + 1
    FROM due WHERE s.saga_id = due.saga_id AND s.step = due.step
    RETURNING s.*, due.since, $2::float8 AS due_in
  )
  SELECT row_to_json(claimed)::text AS record FROM claimed ORDER BY since`;
