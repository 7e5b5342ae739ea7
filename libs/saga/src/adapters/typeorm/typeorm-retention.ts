import type { DataSource } from 'typeorm';
import type { StoreRetention } from '../../ports/retention.js';
import { queryApart } from './step-transaction.js';

/** $1: how long rows are kept, ms; $2: how many at most. Walks the rows from the longest settled on, whatever their sagas. */
const purgeRows = `
  WITH old AS MATERIALIZED (
    SELECT s.saga_id, s.step FROM saga_step s
    WHERE s.settled_at < now() - $1 * interval '1 millisecond'
      AND NOT EXISTS (
        SELECT 1 FROM saga_step o WHERE o.saga_id = s.saga_id
        AND (o.settled_at IS NULL OR o.settled_at >= now() - $1 * interval '1 millisecond'))
      AND NOT EXISTS (SELECT 1 FROM saga_dead_letter d WHERE d.saga_id = s.saga_id AND d.settled_at IS NULL)
    ORDER BY s.settled_at LIMIT $2 FOR UPDATE OF s SKIP LOCKED
  ), timers AS (
    DELETE FROM saga_timer t USING old WHERE t.saga_id = old.saga_id AND t.step = old.step
  ), purged AS (
    DELETE FROM saga_step s USING old WHERE s.saga_id = old.saga_id AND s.step = old.step RETURNING 1
  )
  SELECT count(*)::integer AS count FROM purged`;

const purgeLetters = `
  WITH old AS MATERIALIZED (
    SELECT id FROM saga_dead_letter WHERE settled_at < now() - $1 * interval '1 millisecond'
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), purged AS (
    DELETE FROM saga_dead_letter d USING old WHERE d.id = old.id RETURNING 1
  )
  SELECT count(*)::integer AS count FROM purged`;

export class TypeOrmRetention implements StoreRetention {
  constructor(private readonly dataSource: DataSource) {}

  purgeRows(keepMs: number, limit: number): Promise<number> {
    return this.purge(purgeRows, keepMs, limit);
  }

  purgeLetters(keepMs: number, limit: number): Promise<number> {
    return this.purge(purgeLetters, keepMs, limit);
  }

  private async purge(statement: string, keepMs: number, limit: number): Promise<number> {
    const [{ count }] = await queryApart<[{ count: number }]>(this.dataSource, statement, [keepMs, limit]);
    return count;
  }
}
