import type { PoolClient, QueryConfig } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { asTexts, readWith, recordsOf } from './reading.js';
import { driverSide, isStreaming } from './step-connection.js';
import { inScope, managerInScope, outsideStep } from './step-scope.js';

/**
 * Begins a transaction and runs its first query in one round trip. The runner is told that the transaction is open, as its own
 * `startTransaction` would: nested transactions become savepoints, `commitTransaction` and `rollbackTransaction` work.
 *
 * @param query one that `asJson` made, with its values written in; it cannot have parameters
 */
export async function beginWith<Row>(runner: QueryRunner, query: string | undefined): Promise<readonly Row[]> {
  const client = (await runner.connect()) as PoolClient;
  const level = runner.dataSource.options.isolationLevel;
  const begin = level ? `START TRANSACTION ISOLATION LEVEL ${level}` : 'START TRANSACTION';
  opened(runner, true); // also when the query fails: then the connection is in a failed transaction and must be rolled back
  const results: unknown = await client.query(asTexts(query ? `${begin};${query}` : begin) as QueryConfig);
  return query ? recordsOf((results as [unknown, { rows: object[] }])[1].rows) : [];
}

/** Commits in the same round trip as the transaction's last statements, whose values are written in. Subscribers of the DataSource hear of it as of every commit. */
export async function commitWith(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  const isHeard = runner.dataSource.subscribers.length > 0; // telling nobody would cost promises all the same
  if (isHeard) await inScope(runner, () => broadcast(managerInScope(runner.dataSource)?.queryRunner));
  const client = (await runner.connect()) as PoolClient;
  await client.query([...statements, 'COMMIT'].join(';'));
  opened(runner, false);
  if (isHeard) await runner.broadcaster.broadcast('AfterTransactionCommit');
}

/** What subscribers say before the commit is a part of the transaction, and can end it as little as a step can. */
async function broadcast(runner: QueryRunner | undefined): Promise<void> {
  await runner?.broadcaster.broadcast('BeforeTransactionCommit');
}

function opened(runner: QueryRunner, isOpen: boolean): void {
  Object.assign(driverSide(runner), { isTransactionActive: isOpen, transactionDepth: isOpen ? 1 : 0 });
}

/** Works on a runner of the library's own, which joins no step whoever asks for it. */
export function withRunner<T>(dataSource: DataSource, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  return outsideStep(async () => {
    const runner = dataSource.createQueryRunner();
    try {
      return await work(runner);
    } finally {
      await runner.release();
    }
  });
}

/** Runs a query of the library's own, which joins no step whoever calls it. Rows are JSON texts in a column `record`; a statement without rows has none. */
export function queryApart<Row>(
  dataSource: DataSource,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Row[]> {
  return withRunner(dataSource, (runner) => readWith<Row>(runner, text, parameters));
}

/** Runs a query of the library's own that is a part of the step that asks for it, if one does. */
export async function queryJoining<Row>(
  dataSource: DataSource,
  text: string,
  parameters: readonly unknown[],
): Promise<readonly Row[]> {
  const runner = dataSource.createQueryRunner();
  try {
    return await readWith<Row>(runner, text, parameters);
  } finally {
    await runner.release();
  }
}

/**
 * Rolls back what is open. A connection that cannot do that, or on which a stream is still under way, is closed and not used again: Postgres
 * then rolls it back. The error that led here is the one to tell.
 */
export async function rolledBack(runner: QueryRunner): Promise<void> {
  if (!runner.isTransactionActive) return;
  const side = driverSide(runner);
  try {
    if (isStreaming(side.databaseConnection)) throw new Error('a stream is under way');
    await runner.rollbackTransaction();
  } catch (error) {
    await side.releasePostgresConnection(error);
  }
}
