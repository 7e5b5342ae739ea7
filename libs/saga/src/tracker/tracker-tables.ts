import type { DataSource, QueryRunner } from 'typeorm';
import { readWith } from '../adapters/typeorm/reading.js';
import { asJson } from '../adapters/typeorm/statements.js';
import { queryApart } from '../adapters/typeorm/step-transaction.js';
import type { Tables } from '../adapters/typeorm/tables.js';
import type { Envelope } from '../protocol/envelope.js';
import type { SagaState } from '../protocol/saga-state.js';
import type { TrackedSaga } from './saga-tracker.js';

/** An open transaction of the tracker's, and its tables. */
export interface TrackerTransaction {
  readonly runner: QueryRunner;
  readonly tables: Tables;
}

export type Snapshot = Omit<TrackedSaga, 'history' | 'steps'> & Pick<SagaState, 'steps'>;

/** Makes sure that each saga has an instance row, and locks them in one order: two batches never fold one saga at once. */
export async function lockInstances(
  { runner, tables }: TrackerTransaction,
  events: readonly Envelope[],
): Promise<void> {
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
  await runner.query(
    `INSERT INTO ${tables.instance} (saga_id, saga_type, saga_version, correlation_id, started_at, updated_at, status, steps, inconsistencies)
     SELECT *, now(), 'unknown', '{}'::json, '{}'::text[] FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::timestamptz[])
     ON CONFLICT (saga_id) DO NOTHING`,
    columns,
  );
  await runner.query(`SELECT 1 FROM ${tables.instance} WHERE saga_id = ANY($1::uuid[]) ORDER BY saga_id FOR UPDATE`, [
    columns[0],
  ]);
}

/** Appends what is not yet in the log. */
export async function appendEvents({ runner, tables }: TrackerTransaction, events: readonly Envelope[]): Promise<void> {
  await runner.query(
    `INSERT INTO ${tables.event} (saga_id, message_id, saga_type, event)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::json[]) ON CONFLICT DO NOTHING`,
    columnsOf(events),
  );
}

function columnsOf(events: readonly Envelope[]): readonly (readonly string[])[] {
  return [
    events.map((e) => e.sagaId),
    events.map((e) => e.id),
    events.map((e) => e.sagaType),
    events.map((e) => JSON.stringify(e)),
  ];
}

/** Appends events whose id the log has with another content: each is evidence of its own, under its id and a digest of what it says. */
export async function appendContradictions(
  { runner, tables }: TrackerTransaction,
  events: readonly Envelope[],
): Promise<void> {
  await runner.query(
    `INSERT INTO ${tables.event} (saga_id, message_id, saga_type, event)
     SELECT saga_id, message_id || '#' || md5(event::text), saga_type, event
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::json[]) AS e (saga_id, message_id, saga_type, event) ON CONFLICT DO NOTHING`,
    columnsOf(events),
  );
}

/** All logged events of these sagas. */
export function eventsOf(
  { runner, tables }: TrackerTransaction,
  sagaIds: readonly string[],
): Promise<readonly Envelope[]> {
  return readWith(runner, eventsStatement(tables), [sagaIds]);
}

/** All logged events of a saga, as they are now. */
export function historyOf(dataSource: DataSource, tables: Tables, sagaId: string): Promise<readonly Envelope[]> {
  return queryApart(dataSource, eventsStatement(tables), [[sagaId]]);
}

const eventsStatement = ({ event }: Tables): string =>
  `SELECT event::text AS record FROM ${event} WHERE saga_id = ANY($1::uuid[])`;

/** Saves the folded states; `updated_at` moves only when a state does. */
export async function saveInstances(
  { runner, tables }: TrackerTransaction,
  snapshots: readonly (Snapshot & { readonly startedAt: string })[],
): Promise<void> {
  await runner.query(
    `UPDATE ${tables.instance} i
     SET saga_type = s.saga, saga_version = s.version, correlation_id = s."correlationId", started_at = s."startedAt",
       status = s.status, steps = s.steps, inconsistencies = s.inconsistencies, debts = s.debts,
       parent_saga = s."parentSaga", parent_step = s."parentStep",
       unfolded = false, updated_at = now()
     FROM json_to_recordset($1::json) AS s ("sagaId" uuid, saga text, version integer, "correlationId" text, "startedAt" timestamptz,
       status text, steps json, inconsistencies text[], debts text[], "parentSaga" uuid, "parentStep" text)
     WHERE i.saga_id = s."sagaId"
       AND (i.unfolded, i.saga_type, i.saga_version, i.correlation_id, i.started_at, i.status, i.steps::text, i.inconsistencies, i.debts, i.parent_saga)
         IS DISTINCT FROM (false, s.saga, s.version, s."correlationId", s."startedAt", s.status, s.steps::text, s.inconsistencies, s.debts, s."parentSaga")`,
    [JSON.stringify(snapshots.map(savedFrom))],
  );
}

/** Has events that this process cannot fold: another one, which knows the version, does. */
export async function markUnfolded({ runner, tables }: TrackerTransaction, sagaIds: readonly string[]): Promise<void> {
  await runner.query(`UPDATE ${tables.instance} SET unfolded = true WHERE saga_id = ANY($1::uuid[]) AND NOT unfolded`, [
    sagaIds,
  ]);
}

/** Sagas of these definitions that wait to be folded, locked; those that another process has are passed over. */
export async function lockUnfolded(
  { runner, tables }: TrackerTransaction,
  sagas: readonly { readonly name: string; readonly version: number }[],
  limit: number,
): Promise<readonly string[]> {
  return readWith(
    runner,
    `SELECT to_json(saga_id)::text AS record FROM ${tables.instance}
     WHERE unfolded AND (saga_type, saga_version) IN (SELECT * FROM unnest($1::text[], $2::integer[]))
     ORDER BY saga_id LIMIT $3 FOR UPDATE SKIP LOCKED`,
    [sagas.map(({ name }) => name), sagas.map(({ version }) => version), limit],
  );
}

export async function snapshotOf(
  dataSource: DataSource,
  tables: Tables,
  sagaId: string,
): Promise<Snapshot | undefined> {
  const [snapshot] = await queryApart<Snapshot>(
    dataSource,
    asJson(
      `SELECT saga_id AS "sagaId", saga_type AS saga, saga_version AS version, status, steps, inconsistencies, debts, correlation_id AS "correlationId"
       FROM ${tables.instance} WHERE saga_id = $1`,
    ),
    [sagaId],
  );
  return snapshot;
}

/** The steps of a saga that are sagas in which an undo is owed, however deep inside. */
export function debtsInside(dataSource: DataSource, { instance }: Tables, sagaId: string): Promise<readonly string[]> {
  return queryApart(
    dataSource,
    `WITH RECURSIVE inside AS (
       SELECT saga_id, parent_step AS step, debts FROM ${instance} WHERE parent_saga = $1
       UNION SELECT i.saga_id, inside.step, i.debts FROM ${instance} i JOIN inside ON i.parent_saga = inside.saga_id
     ) SELECT DISTINCT to_json(step)::text AS record FROM inside WHERE debts <> '{}'`,
    [sagaId],
  );
}

function savedFrom({ startedAt, parent, ...rest }: Snapshot & { readonly startedAt: string }): object {
  return {
    ...rest,
    startedAt: inUtc(startedAt),
    ...(parent && { parentSaga: parent.sagaId, parentStep: parent.step }),
  };
}

const [earliest, latest] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')];

/** RFC 3339 has offsets up to a day and any number of decimals; Postgres takes less of both. An offset may lead out of the years that a text can name. */
function inUtc(time: string): string {
  return new Date(Math.min(Math.max(Date.parse(time), earliest), latest)).toISOString();
}
