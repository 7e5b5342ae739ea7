import type { Changes } from '../../ports/step-store.js';
import type { RunningTimer, Timer, TimerKey, TimerKind } from '../../ports/timers.js';
import { asJson, quoted } from './statements.js';
import type { Tables } from './tables.js';

/** A row of `saga_timer`, with what is left until it is due. */
export interface TimerRecord {
  readonly saga_id: string;
  readonly step: string;
  readonly kind: TimerKind;
  readonly saga_type: string;
  readonly saga_version: number;
  readonly due_in: number;
}

/** What a transaction does to timers; values are written in. */
export function timerStatements(tables: Tables, { timersSet = [], timersEnded = [] }: Changes): readonly string[] {
  return [
    ...(timersSet.length > 0 ? [insertion(tables, timersSet)] : []),
    ...(timersEnded.length > 0 ? [deletion(tables, timersEnded)] : []),
  ];
}

export function timerOf({ saga_id, step, kind, saga_type, saga_version }: TimerRecord): Timer {
  return { sagaId: saga_id, step, kind, sagaType: saga_type, sagaVersion: saga_version };
}

function insertion(tables: Tables, timers: readonly RunningTimer[]): string {
  const values = timers.map(
    ({ sagaId, step, kind, sagaType, sagaVersion, dueIn }) =>
      `(${quoted(sagaId)},${quoted(step)},${quoted(kind)},${quoted(sagaType)},${sagaVersion},now() + ${dueIn} * interval '1 millisecond',now() + ${dueIn} * interval '1 millisecond')`,
  );
  return `INSERT INTO ${tables.timer} (saga_id, step, kind, saga_type, saga_version, due_at, ends_at) VALUES ${values.join(',')} ON CONFLICT DO NOTHING`;
}

function deletion(tables: Tables, keys: readonly TimerKey[]): string {
  return `DELETE FROM ${tables.timer} WHERE ${named(keys)}`;
}

/** Those of these timers that have ended, whoever has claimed them. The clock is that of this moment: the transaction may have waited for its rows. */
export function overdueStatement(tables: Tables, keys: readonly TimerKey[]): string {
  return `SELECT to_json(kind)::text AS record FROM ${tables.timer} WHERE ${named(keys)} AND COALESCE(ends_at, due_at) <= clock_timestamp()`;
}

function named(keys: readonly TimerKey[]): string {
  const values = keys.map(({ sagaId, step, kind }) => `(${quoted(sagaId)}::uuid,${quoted(step)},${quoted(kind)})`);
  return `(saga_id, step, kind) IN (${values.join(',')})`;
}

/** How many of those that are due take part in the order over sagas: enough for any one saga, few enough to sort. */
const looksAt = 20_000;

/** Leases timers that are due, the first of each saga before the second of any. $1: how many at most, $2: the lease in ms. */
export const claimTimers = (tables: Tables): string => `
  WITH due AS MATERIALIZED (
    SELECT saga_id, step, kind, due_at FROM ${tables.timer} WHERE due_at <= now() ORDER BY due_at LIMIT ${looksAt}
  ), inturn AS MATERIALIZED (
    SELECT saga_id, step, kind, due_at, row_number() OVER (PARTITION BY saga_id ORDER BY due_at, step, kind) AS turn FROM due
  ), chosen AS MATERIALIZED (
    SELECT t.saga_id, t.step, t.kind, inturn.turn, inturn.due_at AS since FROM inturn JOIN ${tables.timer} t USING (saga_id, step, kind)
    WHERE t.due_at <= now() ORDER BY inturn.turn, inturn.due_at LIMIT $1 FOR UPDATE OF t SKIP LOCKED
  ), claimed AS (
    UPDATE ${tables.timer} t SET due_at = now() + $2 * interval '1 millisecond'
    FROM chosen WHERE t.saga_id = chosen.saga_id AND t.step = chosen.step AND t.kind = chosen.kind
    RETURNING t.*, chosen.turn, chosen.since
  )
  SELECT row_to_json(claimed)::text AS record FROM claimed ORDER BY turn, since`;

/** $4: in how many ms it is due again. */
export const handBackTimer = (tables: Tables): string => `
  UPDATE ${tables.timer} SET due_at = now() + $4 * interval '1 millisecond' WHERE saga_id = $1 AND step = $2 AND kind = $3`;

export const nextTimer = (tables: Tables): string =>
  asJson(`SELECT date_part('epoch', min(due_at) - now()) * 1000 AS due_in FROM ${tables.timer}`);

export const timersOfSaga = (tables: Tables): string =>
  asJson(
    `SELECT *, date_part('epoch', due_at - now()) * 1000 AS due_in FROM ${tables.timer} WHERE saga_id = $1 ORDER BY due_at`,
  );
