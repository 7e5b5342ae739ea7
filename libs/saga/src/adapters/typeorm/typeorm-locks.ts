import type { DataSource } from 'typeorm';
import type { LockHolder, Locks } from '../../ports/locks.js';
import { queryApart } from './step-transaction.js';

interface LockRecord {
  readonly saga_id: string;
  readonly step: string;
}

/** Two sagas that take one resource at the same time wait for each other's commit here. */
const takeStatement = `
  INSERT INTO saga_lock (resource, saga_id, steps) VALUES ($1, $2, ARRAY[$3::text])
  ON CONFLICT (resource) DO UPDATE SET steps = array_remove(saga_lock.steps, $3::text) || $3::text
  WHERE saga_lock.saga_id = EXCLUDED.saga_id
  RETURNING saga_id`;

/** A wait that nobody renews ends by itself: its step has the resource or was given up, or its process died. Who waits next removes it. */
const waitStatement = `
  WITH ended AS (
    DELETE FROM saga_lock_wait WHERE (saga_id, resource) IN (
      SELECT saga_id, resource FROM saga_lock_wait WHERE until < now() AND saga_id <> $1 LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
  )
  INSERT INTO saga_lock_wait (saga_id, resource, until) VALUES ($1, $2, now() + $3 * interval '1 millisecond')
  ON CONFLICT (saga_id, resource) DO UPDATE SET until = EXCLUDED.until`;

/** A saga inside another keeps what it holds until that one commits or closes, which waits for all that are inside it: both are waits too. */
const circleStatement = `
  WITH RECURSIVE waiting AS (
    SELECT w.saga_id, l.saga_id AS holder
    FROM saga_lock_wait w JOIN saga_lock l USING (resource) WHERE w.until > now() AND l.saga_id <> w.saga_id
  ), inside AS (
    SELECT DISTINCT saga_id, split_part(parent, '/', 3)::uuid AS around FROM saga_step
    WHERE parent IS NOT NULL AND saga_id IN (SELECT saga_id FROM waiting UNION SELECT holder FROM waiting)
  ), edge AS (
    SELECT saga_id, holder FROM waiting
    UNION SELECT saga_id, around FROM inside WHERE saga_id IN (SELECT holder FROM waiting)
    UNION SELECT around, saga_id FROM inside WHERE saga_id IN (SELECT saga_id FROM waiting)
  ), path AS (
    SELECT holder, ARRAY[saga_id] AS members FROM edge WHERE saga_id = $1
    UNION ALL
    SELECT e.holder, p.members || e.saga_id FROM path p JOIN edge e ON e.saga_id = p.holder WHERE e.saga_id <> ALL (p.members)
  ), circle AS (
    SELECT members FROM path WHERE holder = $1 LIMIT 1
  )
  SELECT w.saga_id FROM saga_lock_wait w, circle WHERE w.saga_id = ANY (circle.members)
  GROUP BY w.saga_id ORDER BY max(w.since) DESC, w.saga_id DESC`;

/** Semantic locks in the service's own Postgres. */
export class TypeOrmLocks implements Locks {
  constructor(private readonly dataSource: DataSource) {}

  async take(resource: string, { sagaId, step }: LockHolder): Promise<LockHolder | undefined> {
    for (;;) {
      const taken = await this.dataSource.query<readonly unknown[]>(takeStatement, [resource, sagaId, step]);
      if (taken.length > 0) return undefined;
      const held = await this.dataSource.query<readonly LockRecord[]>(
        'SELECT saga_id, steps[1] AS step FROM saga_lock WHERE resource = $1',
        [resource],
      );
      if (held[0]) return holderOf(held[0]); // else it was let go in between
    }
  }

  async release(sagaId: string, resource?: string): Promise<void> {
    await this.dataSource.query(
      'DELETE FROM saga_lock WHERE saga_id = $1 AND ($2::text IS NULL OR resource = $2::text)',
      [sagaId, resource ?? null],
    );
  }

  async wait(resource: string, sagaId: string, forMs: number): Promise<readonly string[]> {
    await queryApart(this.dataSource, waitStatement, [sagaId, resource, forMs]);
    const members = await queryApart<readonly { saga_id: string }[]>(this.dataSource, circleStatement, [sagaId]);
    return members.map(({ saga_id }) => saga_id);
  }

  async stopWaiting(sagaId: string): Promise<void> {
    await queryApart(this.dataSource, 'DELETE FROM saga_lock_wait WHERE saga_id = $1', [sagaId]);
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const [record] = await queryApart<readonly LockRecord[]>(
      this.dataSource,
      'SELECT saga_id, steps[1] AS step FROM saga_lock WHERE resource = $1',
      [resource],
    );
    return record && holderOf(record);
  }
}

function holderOf(record: LockRecord): LockHolder {
  return { sagaId: record.saga_id, step: record.step };
}
