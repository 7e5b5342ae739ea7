import type { EntityManager } from 'typeorm';
import type { Envelope } from '../protocol/envelope.js';
import type { TrackedSaga } from './saga-tracker.js';

export type Snapshot = Omit<TrackedSaga, 'history'>;

/** Makes sure that each saga has an instance row, and locks them in one order: two batches never fold one saga at once. */
export async function lockInstances(manager: EntityManager, events: readonly Envelope[]): Promise<void> {
  const first = [...new Map(events.map((event) => [event.sagaId, event])).values()].toSorted((a, b) =>
    a.sagaId < b.sagaId ? -1 : 1,
  );
  const columns = [
    first.map((e) => e.sagaId),
    first.map((e) => e.sagaType),
    first.map((e) => e.sagaVersion),
    first.map((e) => e.correlationId),
    first.map((e) => inUtc(e.time)),
  ];
  await manager.query(
    `INSERT INTO saga_instance (saga_id, saga_type, saga_version, correlation_id, started_at, updated_at, status, steps, inconsistencies)
     SELECT *, now(), 'unknown', '{}'::json, '{}'::text[] FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::timestamptz[])
     ON CONFLICT (saga_id) DO NOTHING`,
    columns,
  );
  await manager.query('SELECT 1 FROM saga_instance WHERE saga_id = ANY($1::uuid[]) ORDER BY saga_id FOR UPDATE', [
    columns[0],
  ]);
}

/** Appends what is not yet in the log. */
export async function appendEvents(manager: EntityManager, events: readonly Envelope[]): Promise<void> {
  await manager.query(
    `INSERT INTO saga_event (saga_id, message_id, saga_type, event)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::json[]) ON CONFLICT DO NOTHING`,
    [
      events.map((e) => e.sagaId),
      events.map((e) => e.id),
      events.map((e) => e.sagaType),
      events.map((e) => JSON.stringify(e)),
    ],
  );
}

/** All logged events of these sagas. */
export async function eventsOf(manager: EntityManager, sagaIds: readonly string[]): Promise<readonly Envelope[]> {
  const rows = await manager.query<{ event: Envelope }[]>(
    'SELECT event FROM saga_event WHERE saga_id = ANY($1::uuid[])',
    [sagaIds],
  );
  return rows.map(({ event }) => event);
}

/** Saves the folded states; `updated_at` moves only when a state does. */
export async function saveInstances(
  manager: EntityManager,
  snapshots: readonly (Snapshot & { readonly startedAt: string })[],
): Promise<void> {
  await manager.query(
    `UPDATE saga_instance i
     SET saga_type = s.saga, saga_version = s.version, correlation_id = s."correlationId", started_at = s."startedAt",
       status = s.status, steps = s.steps, inconsistencies = s.inconsistencies, debts = s.debts,
       unfolded = false, updated_at = now()
     FROM json_to_recordset($1::json) AS s ("sagaId" uuid, saga text, version integer, "correlationId" text, "startedAt" timestamptz,
       status text, steps json, inconsistencies text[], debts text[])
     WHERE i.saga_id = s."sagaId"
       AND (i.unfolded, i.saga_type, i.saga_version, i.correlation_id, i.started_at, i.status, i.steps::text, i.inconsistencies, i.debts)
         IS DISTINCT FROM (false, s.saga, s.version, s."correlationId", s."startedAt", s.status, s.steps::text, s.inconsistencies, s.debts)`,
    [JSON.stringify(snapshots.map((one) => ({ ...one, startedAt: inUtc(one.startedAt) })))],
  );
}

/** Has events that this process cannot fold: another one, which knows the version, does. */
export async function markUnfolded(manager: EntityManager, sagaIds: readonly string[]): Promise<void> {
  await manager.query('UPDATE saga_instance SET unfolded = true WHERE saga_id = ANY($1::uuid[]) AND NOT unfolded', [
    sagaIds,
  ]);
}

/** Sagas of these definitions that wait to be folded, locked; those that another process has are passed over. */
export async function lockUnfolded(
  manager: EntityManager,
  sagas: readonly { readonly name: string; readonly version: number }[],
  limit: number,
): Promise<readonly string[]> {
  const rows = await manager.query<{ saga_id: string }[]>(
    `SELECT saga_id FROM saga_instance
     WHERE unfolded AND (saga_type, saga_version) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
     ORDER BY saga_id LIMIT $3 FOR UPDATE SKIP LOCKED`,
    [sagas.map(({ name }) => name), sagas.map(({ version }) => version), limit],
  );
  return rows.map(({ saga_id }) => saga_id);
}

export async function snapshotOf(manager: EntityManager, sagaId: string): Promise<Snapshot | undefined> {
  const [snapshot] = await manager.query<Snapshot[]>(
    `SELECT saga_id AS "sagaId", saga_type AS saga, saga_version AS version, status, steps, inconsistencies, debts, correlation_id AS "correlationId"
     FROM saga_instance WHERE saga_id = $1`,
    [sagaId],
  );
  return snapshot;
}

/** RFC 3339 has offsets up to a day and any number of decimals; Postgres takes less of both. */
function inUtc(time: string): string {
  return new Date(time).toISOString();
}
