import { AsyncLocalStorage } from 'node:async_hooks';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

/** A transaction of the application's whose callback is running. */
interface Scope {
  readonly runner: QueryRunner;
  /** The one around it, which may be of another DataSource. */
  readonly outer: Scope | undefined;
}

const storage = new AsyncLocalStorage<Scope | undefined>();

const watched = new WeakSet<object>();

/** Runners in a transaction that has no callback, so that nobody can tell who is inside it. */
const begunByHand = new Set<QueryRunner>();

type Callback = (manager: EntityManager) => Promise<unknown>;

/**
 * Has every `transaction(...)` of the application known while its callback runs: `dataSource.transaction`, that of a manager, and what libraries make
 * of them (typeorm-transactional, nestjs-cls) all come down to the one of TypeORM's entity manager.
 */
export function watchTransactions({ manager }: DataSource): void {
  const type = Object.getPrototypeOf(manager) as EntityManager;
  if (watched.has(type)) return;
  watched.add(type);
  const { transaction } = type as { transaction: (...given: unknown[]) => Promise<unknown> };
  const inside =
    (callback: Callback): Callback =>
    (open) =>
      open.queryRunner ? known(open.queryRunner, () => callback(open)) : callback(open);
  const own = function (this: EntityManager, ...given: unknown[]): Promise<unknown> {
    return transaction.apply(
      this,
      given.map((argument) => (typeof argument === 'function' ? inside(argument as Callback) : argument)),
    );
  };
  Object.assign(type, { transaction: own });
}

function known<T>(runner: QueryRunner, work: () => T): T {
  begunByHand.delete(runner);
  return storage.run({ runner, outer: storage.getStore() }, work);
}

/** Has every transaction known that a runner like this one begins. */
export function watchRunners(example: QueryRunner): void {
  const type = Object.getPrototypeOf(example) as QueryRunner;
  if (watched.has(type)) return;
  watched.add(type);
  const { startTransaction } = type as { startTransaction: (...given: unknown[]) => Promise<void> };
  const own = async function (this: QueryRunner, ...given: unknown[]): Promise<void> {
    const isNested = this.isTransactionActive;
    await startTransaction.apply(this, given);
    if (!isNested) begunByHand.add(this);
  };
  Object.assign(type, { startTransaction: own });
}

/**
 * The transactions of this DataSource that are open now and were begun by hand (`queryRunner.startTransaction()`): whoever asks may be inside one of
 * them, or not.
 */
export function transactionsByHand(dataSource: DataSource): readonly QueryRunner[] {
  for (const runner of begunByHand) if (!isOpen(runner)) begunByHand.delete(runner);
  return [...begunByHand].filter((runner) => runner.dataSource === dataSource);
}

export function isOpen(runner: QueryRunner): boolean {
  return runner.isTransactionActive && !runner.isReleased;
}

/** The transaction of the application's own on this DataSource that it is inside of and has not ended. */
export function openTransaction(dataSource: DataSource): QueryRunner | undefined {
  for (let scope = storage.getStore(); scope; scope = scope.outer)
    if (scope.runner.dataSource === dataSource && isOpen(scope.runner)) return scope.runner;
  return undefined;
}
