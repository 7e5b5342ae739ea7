import type { DataSource } from 'typeorm';
import { queryApart } from '../adapters/typeorm/step-transaction.js';
import type { Tables } from '../adapters/typeorm/tables.js';

/** $1: how long sagas that are over are kept, ms; $2: how many at most. Those that owe something, or wait to be folded, stay. */
const purge = ({ event, instance }: Tables): string => `
  WITH old AS MATERIALIZED (
    SELECT saga_id FROM ${instance}
    WHERE status IN ('completed', 'aborted') AND updated_at < now() - $1 * interval '1 millisecond'
      AND NOT unfolded AND debts = '{}'
    ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), events AS (
    DELETE FROM ${event} e USING old WHERE e.saga_id = old.saga_id
  ), purged AS (
    DELETE FROM ${instance} i USING old WHERE i.saga_id = old.saga_id RETURNING 1
  )
  SELECT count(*)::text AS record FROM purged`;

/** Forgets sagas that are over, with their events, a batch at a time. Resolves to how many. */
export async function purgeHistory(
  dataSource: DataSource,
  tables: Tables,
  keepMs: number,
  limit: number,
): Promise<number> {
  const [count] = await queryApart<number>(dataSource, purge(tables), [keepMs, limit]);
  return count ?? 0;
}
