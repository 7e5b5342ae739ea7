import type { FenceKey } from '../../ports/fence-row.js';

/**
 * Locks and reads the rows of the keys, in one order for all transactions. Its values are written in, so that it can travel with the
 * start of the transaction; nothing for no keys.
 */
export function lockStatement(keys: readonly FenceKey[]): string | undefined {
  if (keys.length === 0) return undefined;
  const list = (values: readonly string[]): string => values.map(literal).join(',');
  return `SELECT s.* FROM saga_step s
    JOIN unnest(ARRAY[${list(keys.map((key) => key.sagaId))}]::uuid[], ARRAY[${list(keys.map((key) => key.step))}]::text[]) AS k (saga_id, step)
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
  'next_attempt_at',
  'last_error',
  'version',
];

/**
 * Saves rows, stages events and forgets published ones. $1: rows as JSON, $2 and $3: ids and events to stage, $4: ids to forget.
 * Answers how many rows were saved: fewer than given when another transaction was first.
 */
export const saveStatement = `
  WITH saved AS (
    INSERT INTO saga_step (saga_id, step, ${columns.join(', ')})
    SELECT saga_id, step, ${columns.join(', ')} FROM json_to_recordset($1::json) AS given (
      saga_id uuid, step text, saga_type text, saga_version integer, status text, predecessors_done text[], successors_closed text[],
      inputs json, result json, cause json, correlation_id text, partition_key text, traceparent text, causation_id text,
      attempts integer, next_attempt_at timestamptz, last_error text, version integer)
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
