import { fenceKey, type FenceKey } from '../../ports/fence-row.js';

/**
 * Locks and reads the rows of the keys, in one order for all transactions. Its values are written in, so that it can travel with the
 * start of the transaction; nothing for no keys.
 */
export function lockStatement(keys: readonly FenceKey[]): string | undefined {
  if (keys.length === 0) return undefined;
  const asked = [...new Map(keys.map((key) => [fenceKey(key), key])).values()];
  const list = (values: readonly string[]): string => values.map(literal).join(',');
  return `SELECT s.* FROM saga_step s
    JOIN unnest(ARRAY[${list(asked.map((key) => key.sagaId))}]::uuid[], ARRAY[${list(asked.map((key) => key.step))}]::text[]) AS k (saga_id, step)
      ON s.saga_id = k.saga_id AND s.step = k.step
    ORDER BY s.saga_id, s.step FOR UPDATE OF s`;
}

/** A string in SQL's escape notation, which means the same whatever `standard_conforming_strings` says. */
function literal(value: string): string {
  return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

const columns = [
  'saga_type',
  'saga_version',
  'status',
  'predecessors_done',
  'successors_closed',
  'inputs',
  'result',
  'cause',
  'correlation_id',
  'partition_key',
  'traceparent',
  'causation_id',
  'attempts',
  'failing_since',
  'next_attempt_at',
  'last_error',
  'version',
];

/** Travel as text inside the JSON of the rows: JSON may hold what Postgres cannot decode (an escaped NUL, half a surrogate pair) but can keep. */
const documents = new Set(['inputs', 'result', 'cause']);

/**
 * Saves rows, stages events and forgets published ones. $1: rows as JSON, $2 and $3: ids and events to stage, $4: ids to forget.
 * Answers how many rows were saved: fewer than given when another transaction was first.
 */
export const saveStatement = `
  WITH saved AS (
    INSERT INTO saga_step (saga_id, step, ${columns.join(', ')})
    SELECT saga_id, step, ${columns.map((column) => (documents.has(column) ? `${column}::json` : column)).join(', ')}
    FROM json_to_recordset($1::json) AS given (
      saga_id uuid, step text, saga_type text, saga_version integer, status text, predecessors_done text[], successors_closed text[],
      inputs text, result text, cause text, correlation_id text, partition_key text, traceparent text, causation_id text,
      attempts integer, failing_since timestamptz, next_attempt_at timestamptz, last_error text, version integer)
    ON CONFLICT (saga_id, step) DO UPDATE
      SET ${columns.map((column) => `${column} = EXCLUDED.${column}`).join(', ')}, updated_at = now()
      WHERE saga_step.version = EXCLUDED.version - 1
    RETURNING 1
  ), staged AS (
    INSERT INTO saga_outbox (id, event) SELECT * FROM unnest($2::uuid[], $3::json[])
  ), forgotten AS (
    DELETE FROM saga_outbox WHERE id = ANY($4::uuid[])
  )
  SELECT count(*)::integer AS saved FROM saved`;

/** Leases the rows that are due. $1: how many at most, $2: the lease in ms. Materialized, so that the limit holds whatever the plan. */
export const claimStatement = `
  WITH due AS MATERIALIZED (
    SELECT saga_id, step, next_attempt_at AS since FROM saga_step WHERE next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE saga_step s SET next_attempt_at = now() + $2 * interval '1 millisecond', version = s.version + 1
    FROM due WHERE s.saga_id = due.saga_id AND s.step = due.step
    RETURNING s.*, due.since
  )
  SELECT * FROM claimed ORDER BY since`;
