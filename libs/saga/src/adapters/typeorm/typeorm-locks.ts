import type { DataSource } from 'typeorm';
import type { LockHolder, Locks } from '../../ports/locks.js';
import { asJson } from './statements.js';
import { queryApart, queryJoining } from './step-transaction.js';
import { tablesOf, type Tables } from './tables.js';

interface LockRecord {
  readonly saga_id: string;
  readonly step: string;
}

/** Two sagas that take one resource at the same time wait for each other's commit here. */
const takeStatement = ({ lock }: Tables): string => `
  INSERT INTO ${lock} AS held (resource, saga_id, steps) VALUES ($1, $2, ARRAY[$3::text])
  ON CONFLICT (resource) DO UPDATE SET steps = array_remove(held.steps, $3::text) || $3::text
  WHERE held.saga_id = EXCLUDED.saga_id
  RETURNING '1' AS record`;

/** A wait that nobody renews ends by itself: its step has the resource or was given up, or its process died. Who waits next removes it. */
const waitStatement = ({ lockWait }: Tables): string => `
  WITH ended AS (
    DELETE FROM ${lockWait} WHERE (saga_id, resource) IN (
      SELECT saga_id, resource FROM ${lockWait} WHERE until < now() AND saga_id <> $1 LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
  )
  INSERT INTO ${lockWait} (saga_id, resource, until) VALUES ($1, $2, now() + $3 * interval '1 millisecond')
  ON CONFLICT (saga_id, resource) DO UPDATE SET until = EXCLUDED.until`;

/** A saga inside another keeps what it holds until that one commits or closes, which waits for all that are inside it: both are waits too. */
const circleStatement = ({ lock, lockWait, step }: Tables): string => `
  WITH RECURSIVE waiting AS (
    SELECT w.saga_id, l.saga_id AS holder
    FROM ${lockWait} w JOIN ${lock} l USING (resource) WHERE w.until > now() AND l.saga_id <> w.saga_id
  ), inside AS (
    SELECT DISTINCT saga_id, split_part(parent, '/', 3)::uuid AS around FROM ${step}
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
  SELECT to_json(w.saga_id)::text AS record FROM ${lockWait} w, circle WHERE w.saga_id = ANY (circle.members)
  GROUP BY w.saga_id ORDER BY max(w.since) DESC, w.saga_id DESC`;

const holderStatement = ({ lock }: Tables): string =>
  asJson(`SELECT saga_id, steps[1] AS step FROM ${lock} WHERE resource = $1`);

/** Semantic locks in the service's own Postgres. */
export class TypeOrmLocks implements Locks {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables = tablesOf(dataSource),
  ) {}

  async take(resource: string, { sagaId, step }: LockHolder): Promise<LockHolder | undefined> {
    for (;;) {
      const taken = await queryJoining(this.dataSource, takeStatement(this.tables), [resource, sagaId, step]);
      if (taken.length > 0) return undefined;
      const [held] = await queryJoining<LockRecord>(this.dataSource, holderStatement(this.tables), [resource]);
      if (held) return holderOf(held); // else it was let go in between
    }
  }

  async release(sagaId: string, resource?: string): Promise<void> {
    await queryJoining(
      this.dataSource,
      `DELETE FROM ${this.tables.lock} WHERE saga_id = $1 AND ($2::text IS NULL OR resource = $2::text)`,
      [sagaId, resource ?? null],
    );
  }

  async wait(resource: string, sagaId: string, forMs: number): Promise<readonly string[]> {
    await queryApart(this.dataSource, waitStatement(this.tables), [sagaId, resource, forMs]);
    return queryApart<string>(this.dataSource, circleStatement(this.tables), [sagaId]);
  }

  async stopWaiting(sagaId: string): Promise<void> {
    await queryApart(this.dataSource, `DELETE FROM ${this.tables.lockWait} WHERE saga_id = $1`, [sagaId]);
  }

  async holder(resource: string): Promise<LockHolder | undefined> {
    const [record] = await queryApart<LockRecord>(this.dataSource, holderStatement(this.tables), [resource]);
    return record && holderOf(record);
  }
}

function holderOf(record: LockRecord): LockHolder {
  return { sagaId: record.saga_id, step: record.step };
}
