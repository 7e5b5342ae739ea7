import type { DataSource } from 'typeorm';
import type { StoreRetention } from '../../ports/retention.js';
import { queryApart } from './step-transaction.js';
import type { Tables } from './tables.js';

/** $1: how long rows are kept, ms; $2: how many at most. Walks the rows from the longest settled on, whatever their sagas. */
const purgeRows = (tables: Tables): string => `
  WITH old AS MATERIALIZED (
    SELECT s.saga_id, s.step FROM ${tables.step} s
    WHERE s.settled_at < now() - $1 * interval '1 millisecond'
      AND NOT EXISTS (
        SELECT 1 FROM ${tables.step} o WHERE o.saga_id = s.saga_id
        AND (o.settled_at IS NULL OR o.settled_at >= now() - $1 * interval '1 millisecond'))
      AND NOT EXISTS (SELECT 1 FROM ${tables.deadLetter} d WHERE d.saga_id = s.saga_id AND d.settled_at IS NULL)
    ORDER BY s.settled_at LIMIT $2 FOR UPDATE OF s SKIP LOCKED
  ), timers AS (
    DELETE FROM ${tables.timer} t USING old WHERE t.saga_id = old.saga_id AND t.step = old.step
  ), purged AS (
    DELETE FROM ${tables.step} s USING old WHERE s.saga_id = old.saga_id AND s.step = old.step RETURNING 1
  )
  SELECT count(*)::text AS record FROM purged`;

const purgeLetters = (tables: Tables): string => `
  WITH old AS MATERIALIZED (
    SELECT id FROM ${tables.deadLetter} WHERE settled_at < now() - $1 * interval '1 millisecond'
    ORDER BY settled_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), purged AS (
    DELETE FROM ${tables.deadLetter} d USING old WHERE d.id = old.id RETURNING 1
  )
  SELECT count(*)::text AS record FROM purged`;

export class TypeOrmRetention implements StoreRetention {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables,
  ) {}

  purgeRows(keepMs: number, limit: number): Promise<number> {
    return this.purge(purgeRows(this.tables), keepMs, limit);
  }

  purgeLetters(keepMs: number, limit: number): Promise<number> {
    return this.purge(purgeLetters(this.tables), keepMs, limit);
  }

  private async purge(statement: string, keepMs: number, limit: number): Promise<number> {
    const [count] = await queryApart<number>(this.dataSource, statement, [keepMs, limit]);
    return count ?? 0;
  }
}
