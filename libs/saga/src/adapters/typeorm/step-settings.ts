import type { PoolClient } from 'pg';
import type { QueryRunner } from 'typeorm';
import { asTexts } from './reading.js';
import { quoted } from './statements.js';

/** What a transaction was like before a step changed it, and what the step made in it that would outlive it. */
interface Before {
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly temporary: Set<string>;
}

const changed = new WeakMap<QueryRunner, Before>();

/** Those that the library's own statements, and the durability of the commit, depend on; the role first, as others may need it to be set back. */
const names = [
  'role',
  'session_replication_role',
  'search_path',
  'row_security',
  'statement_timeout',
  'lock_timeout',
  'transaction_timeout',
  'idle_in_transaction_session_timeout',
  'synchronous_commit',
  'client_encoding',
  'datestyle',
  'intervalstyle',
  'timezone',
  'standard_conforming_strings',
];
const known = `SELECT n AS name, pg_catalog.current_setting(n, true) AS value
  FROM pg_catalog.unnest(ARRAY[${names.map((name) => `'${name}'`).join(',')}]) WITH ORDINALITY AS u(n, i) ORDER BY i`;

/** Reads how a transaction is, before a step changes it. Once for a transaction. */
export async function rememberSettings(runner: QueryRunner, client: PoolClient): Promise<void> {
  if (!changed.has(runner)) changed.set(runner, { settings: await settingsOf(client), temporary: new Set() });
}

/** @param what a kind of thing and its name, to be dropped with the step */
export function rememberTemporary(runner: QueryRunner, what: string): void {
  changed.get(runner)?.temporary.add(what);
}

/** What makes a transaction again what it was before a step changed it; nothing for most. */
export function restoringStatements(runner: QueryRunner): readonly string[] {
  const before = changed.get(runner);
  if (!before) return [];
  return [...[...before.temporary].map((what) => `DROP ${what}`), settingStatement(before.settings)];
}

/** Runs a statement of the library's own inside a step with the settings from before the step, whatever it has set. */
export async function asBefore<T>(runner: QueryRunner, client: PoolClient, work: () => Promise<T>): Promise<T> {
  const before = changed.get(runner);
  if (!before) return work();
  const now = await settingsOf(client);
  await client.query(settingStatement(before.settings));
  const result = await work();
  await client.query(settingStatement(now));
  return result;
}

async function settingsOf(client: PoolClient): Promise<Before['settings']> {
  const { rows } = await client.query<{ name: string; value: string | null }>(asTexts(known) as { text: string });
  return rows.flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const]));
}

/** Sets what differs: not everybody may set everything, not even to what it is. */
function settingStatement(settings: Before['settings']): string {
  const values = settings.map(([name, value], index) => `(${index},${quoted(name)},${quoted(value)})`).join(',');
  return `SELECT pg_catalog.set_config(n, v, true) FROM (SELECT * FROM (VALUES ${values}) AS was(i, n, v) ORDER BY i OFFSET 0) AS was
    WHERE pg_catalog.current_setting(n, true) OPERATOR(pg_catalog.<>) v`;
}
