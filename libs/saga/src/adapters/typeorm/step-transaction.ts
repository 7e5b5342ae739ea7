import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { SagaError } from '../../protocol/errors.js';
import { asTexts, readWith, recordsOf } from './reading.js';
import { endsTransaction } from './transaction-control.js';

interface Scope {
  readonly runner: QueryRunner;
  /** The scope in which this one was opened, which may be of another DataSource. */
  readonly outer: Scope | undefined;
  ended: boolean;
}

/** One for all DataSources of the process: every promise pays for each storage that is in use. */
const storage = new AsyncLocalStorage<Scope>();

const joined = new WeakSet<EntityManager>();

/**
 * Makes everything that is reached through this DataSource (injected repositories, its manager, query builders, its own `query` and `transaction`)
 * run in the transaction of the step that is running, and as before where none is. A query runner that is made by hand stays apart.
 */
export function joinStepTransactions(dataSource: DataSource): void {
  const { manager } = dataSource;
  if (joined.has(manager)) return;
  joined.add(manager);
  const runner = (): QueryRunner | undefined => openRunner(scopeOf(dataSource));
  Object.defineProperty(manager, 'queryRunner', {
    configurable: true,
    get: runner,
  });
  const query = dataSource.query.bind(dataSource);
  const queryBuilder = dataSource.createQueryBuilder.bind(dataSource) as (...given: unknown[]) => unknown;
  Object.assign(dataSource, {
    query: async (text: string, parameters?: unknown[], given?: QueryRunner) => {
      const joins = runner();
      if (joins && joins === (given ?? joins) && endsTransaction(text)) throw notTheSteps();
      return query(text, parameters, given ?? joins);
    },
    createQueryBuilder: (entityOrRunner?: unknown, alias?: string, given?: QueryRunner) =>
      alias === undefined
        ? queryBuilder(entityOrRunner ?? runner())
        : queryBuilder(entityOrRunner, alias, given ?? runner()),
  });
}

/** Runs a step's method so that what it writes joins the runner's transaction. */
export async function inScope<T>(runner: QueryRunner, method: () => Promise<T>): Promise<T> {
  const scope: Scope = { runner, outer: storage.getStore(), ended: false };
  try {
    return await storage.run(scope, method);
  } finally {
    scope.ended = true;
  }
}

function scopeOf(dataSource: DataSource): Scope | undefined {
  let scope = storage.getStore();
  while (scope && scope.runner.dataSource !== dataSource) scope = scope.outer;
  return scope;
}

function openRunner(scope: Scope | undefined): QueryRunner | undefined {
  if (scope?.ended) throw stepEnded();
  return scope?.runner;
}

function stepEnded(): SagaError {
  return new SagaError(
    'STEP_ENDED',
    'A query of a saga step came after the step had ended, so it cannot join its transaction; await every query in the method.',
    { retriable: false },
  );
}

function notTheSteps(): SagaError {
  return new SagaError(
    'TRANSACTION_OF_THE_STEP',
    'A saga step cannot begin or end its transaction in SQL: it is committed with the event of the step. Use `transaction` of the manager for a part that may fail alone.',
    { retriable: false },
  );
}

/**
 * What a method did not wait for comes to an error, and not to the connection after the end of the transaction.
 *
 * @returns lets queries through again
 */
function refuseQueries(runner: QueryRunner, except?: 'ROLLBACK'): () => void {
  const query = runner.query.bind(runner);
  runner.query = async (text: string) => {
    if (text !== except) throw stepEnded();
    return query(text);
  };
  return () => Reflect.deleteProperty(runner, 'query');
}

/**
 * Begins a transaction and runs its first query in one round trip. The runner is told that the transaction is open, as its own
 * `startTransaction` would: nested transactions become savepoints, `commitTransaction` and `rollbackTransaction` work.
 *
 * @param query one that `asJson` made, with its values written in; it cannot have parameters
 */
export async function beginWith<Row>(runner: QueryRunner, query: string | undefined): Promise<readonly Row[]> {
  const client = (await runner.connect()) as {
    query(query: object): Promise<unknown>;
  };
  const opened = runner as unknown as {
    isTransactionActive: boolean;
    transactionDepth: number;
  };
  const level = runner.dataSource.options.isolationLevel;
  const begin = level ? `START TRANSACTION ISOLATION LEVEL ${level}` : 'START TRANSACTION';
  opened.isTransactionActive = true; // also when the query fails: then the connection is in a failed transaction and must be rolled back
  opened.transactionDepth = 1;
  const results = await client.query(asTexts(query ? `${begin};${query}` : begin));
  return query ? recordsOf((results as [unknown, { rows: object[] }])[1].rows) : [];
}

/** Commits in the same round trip as the transaction's last statements, whose values are written in. Subscribers of the DataSource hear of it as of every commit. */
export async function commitWith(runner: QueryRunner, statements: readonly string[]): Promise<void> {
  refuseUnfinished(runner);
  const client = (await runner.connect()) as {
    query(text: string): Promise<unknown>;
  };
  const open = runner as unknown as {
    isTransactionActive: boolean;
    transactionDepth: number;
  };
  const isHeard = runner.dataSource.subscribers.length > 0; // telling nobody would cost promises all the same
  if (isHeard) await runner.broadcaster.broadcast('BeforeTransactionCommit');
  const allowQueries = refuseQueries(runner);
  try {
    await client.query([...statements, 'COMMIT'].join(';'));
  } catch (error) {
    allowQueries(); // there is a rollback to come
    throw error;
  }
  open.isTransactionActive = false;
  open.transactionDepth = 0;
  if (!isHeard) return;
  allowQueries();
  await runner.broadcaster.broadcast('AfterTransactionCommit');
}

/** Runs a query of the library's own, which joins no step whoever calls it. Rows are JSON texts in a column `record`; a statement without rows has none. */
export async function queryApart<Row>(
  dataSource: DataSource,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const runner = dataSource.createQueryRunner();
  try {
    return await readWith<Row>(runner, text, parameters);
  } finally {
    await runner.release();
  }
}

/**
 * Rolls back what is open. A connection that cannot do that, or on which a transaction inside it is still under way, is closed and not used again: Postgres
 * then rolls it back. The error that led here is the one to tell.
 */
export async function rolledBack(runner: QueryRunner): Promise<void> {
  if (!runner.isTransactionActive) return;
  try {
    refuseUnfinished(runner);
    refuseQueries(runner, 'ROLLBACK');
    await runner.rollbackTransaction();
  } catch (error) {
    await (runner as unknown as Closable).releasePostgresConnection(error);
  }
}

interface Closable {
  /** With an error the pool closes the connection. */
  releasePostgresConnection(error: unknown): Promise<void>;
}

/** What a method began and did not wait for would be committed by half, or by itself. */
function refuseUnfinished(runner: QueryRunner): void {
  if ((runner as unknown as { readonly transactionDepth: number }).transactionDepth <= 1) return;
  throw new SagaError(
    'STEP_ENDED',
    'A transaction inside a saga step was still open when the step had ended; await every transaction in the method.',
    { retriable: false },
  );
}
