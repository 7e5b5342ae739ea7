import type { PoolClient, QueryConfig } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { RowsLocked } from '../../ports/step-store.js';
import { asTexts, readWith, recordsOf } from './reading.js';
import { driverSide, isStreaming } from './step-connection.js';
import { isLost, markStatement, proofStatement } from './step-proof.js';
import { restoringStatements } from './step-settings.js';
import { inScope, managerInScope, openScopeOf, outsideStep } from './step-scope.js';

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
  const marked = `${begin};${markStatement(runner)}`;
  if (!query) await client.query(marked);
  else {
    const results: unknown = await unlessLocked(client.query(asTexts(inTime(marked, query)) as QueryConfig));
    return recordsOf((results as { rows: object[] }[])[3]!.rows);
  }
  return [];
}

/**
 * How long a query of the library's own waits for a row that somebody else has locked: longer than transactions of steps usually last. An application may
 * hold one for as long as it likes; whoever needs it lets go of the connection and comes again.
 */
const patience = '300ms';

/** The limit is for the query alone: what a method waits for is its own matter. */
function inTime(begin: string, query: string): string {
  const before = `SELECT set_config('nest_saga.lock_timeout', current_setting('lock_timeout'), true), set_config('lock_timeout', '${patience}', true)`;
  return [
    begin,
    before,
    query,
    `SELECT set_config('lock_timeout', current_setting('nest_saga.lock_timeout'), true)`,
  ].join(';');
}

/** @throws RowsLocked */
async function unlessLocked<T>(said: Promise<T>): Promise<T> {
  return said.catch((error: unknown) => {
    throw error instanceof Error && 'code' in error && error.code === '55P03'
      ? new RowsLocked({ cause: error })
      : error;
  });
}

/** Subscribers of the DataSource may refuse the commit. What they say before it is a part of the transaction, and can end it as little as a step can. */
export async function beforeCommit(runner: QueryRunner): Promise<void> {
  if (!isHeard(runner)) return;
  await inScope(runner, async () => {
    await managerInScope(runner.dataSource)?.queryRunner?.broadcaster.broadcast('BeforeTransactionCommit');
  });
}

/**
 * Commits in the same round trip as the transaction's last statements, whose values are written in, and the proof that it is still the same transaction.
 */
export async function commitWith(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  const client = (await runner.connect()) as PoolClient;
  const limit = statements.length > 0 ? [`SET LOCAL lock_timeout = '${patience}'`] : [];
  const said = [proofStatement(runner), ...restoringStatements(runner), ...limit, ...statements, 'COMMIT'];
  await unlessLocked(client.query(said.join(';')));
  opened(runner, false);
}

/** What a subscriber of the DataSource makes of a commit comes after it: a failure is told, and takes nothing back. */
export async function afterCommit(runner: QueryRunner, failed: (error: unknown) => void): Promise<void> {
  if (!isHeard(runner)) return;
  try {
    await runner.broadcaster.broadcast('AfterTransactionCommit');
  } catch (error) {
    failed(error);
  }
}

/** Telling nobody would cost promises all the same. */
function isHeard({ dataSource }: QueryRunner): boolean {
  return dataSource.subscribers.length > 0;
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

/** Runs a query of the library's own that is a part of the step that asks for it, if one does, whatever the step has set. */
export async function queryJoining<Row>(
  dataSource: DataSource,
  text: string,
  parameters: readonly unknown[],
): Promise<readonly Row[]> {
  const runner = dataSource.createQueryRunner();
  const read = (): Promise<readonly Row[]> => readWith<Row>(runner, text, parameters);
  try {
    const connection = openScopeOf(dataSource)?.connection;
    return await (connection ? connection.asBefore(read) : read());
  } finally {
    await runner.release();
  }
}

/**
 * Rolls back what is open. A connection that cannot do that, or on which a stream is still under way, is closed and not used again: Postgres
 * then rolls it back. The error that led here is the one to tell.
 *
 * @param asksFirst whether a method ran in it, so that somebody may have ended it
 * @returns whether somebody has, so that there was nothing to roll back any more
 */
export async function rolledBack(runner: QueryRunner, asksFirst = false): Promise<boolean> {
  if (!runner.isTransactionActive) return false;
  const side = driverSide(runner);
  try {
    if (isStreaming(side.databaseConnection)) throw new Error('a stream is under way');
    const wasLost = asksFirst && (await isOver(runner));
    await runner.rollbackTransaction();
    return wasLost;
  } catch (error) {
    await side.releasePostgresConnection(error);
    return false;
  }
}

/** Where a statement has failed Postgres answers nothing: then nobody has ended the transaction since it was marked, or it can be told no more. */
async function isOver(runner: QueryRunner): Promise<boolean> {
  try {
    await driverSide(runner).databaseConnection?.query(proofStatement(runner));
    return false;
  } catch (error) {
    return isLost(runner, error);
  }
}
