import { randomBytes } from 'node:crypto';
import type { QueryRunner } from 'typeorm';

const tokens = new WeakMap<QueryRunner, string>();

/** Marks the transaction that begins in the same text: the mark is gone when anybody ends it. */
export function markStatement(runner: QueryRunner): string {
  const token = randomBytes(9).toString('hex');
  tokens.set(runner, token);
  return `SET LOCAL nest_saga.token = '${token}'`;
}

/** Fails, and with it all that comes after it in the same text, when the transaction that was marked is over. */
export function proofStatement(runner: QueryRunner): string {
  const token = tokens.get(runner) ?? '';
  const now = `COALESCE(pg_catalog.current_setting('nest_saga.token', true), '')`;
  return `SELECT CASE WHEN ${now} OPERATOR(pg_catalog.=) '${token}' THEN 0 ELSE CAST('lost ${token}' OPERATOR(pg_catalog.||) ${now} AS pg_catalog.int4) END`;
}

/** Whether an error is that of the proof. */
export function isLost(runner: QueryRunner, error: unknown): boolean {
  const token = tokens.get(runner);
  return token !== undefined && error instanceof Error && error.message.includes(`"lost ${token}`);
}
