import type { DataSource } from 'typeorm';

/** $1: how long sagas that are over are kept, ms; $2: how many at most. Those that owe something, or wait to be folded, stay. */
const purge = `
  WITH old AS MATERIALIZED (
    SELECT saga_id FROM saga_instance
    WHERE status IN ('completed', 'aborted') AND updated_at < now() - $1 * interval '1 millisecond'
      AND NOT unfolded AND debts = '{}'
    ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), events AS (
    DELETE FROM saga_event e USING old WHERE e.saga_id = old.saga_id
  ), purged AS (
    DELETE FROM saga_instance i USING old WHERE i.saga_id = old.saga_id RETURNING 1
  )
  SELECT count(*)::integer AS count FROM purged`;

/** Forgets sagas that are over, with their events, a batch at a time. Resolves to how many. */
export async function purgeHistory(dataSource: DataSource, keepMs: number, limit: number): Promise<number> {
  const [{ count }] = await dataSource.query<[{ count: number }]>(purge, [keepMs, limit]);
  return count;
}
