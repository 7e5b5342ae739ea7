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
      open.queryRunner
        ? storage.run({ runner: open.queryRunner, outer: storage.getStore() }, () => callback(open))
        : callback(open);
  const own = function (this: EntityManager, ...given: unknown[]): Promise<unknown> {
    return transaction.apply(
      this,
      given.map((argument) => (typeof argument === 'function' ? inside(argument as Callback) : argument)),
    );
  };
  Object.assign(type, { transaction: own });
}

/** Whether the application is inside a transaction of its own on this DataSource, which it has not ended. */
export function isInsideTransaction(dataSource: DataSource): boolean {
  for (let scope = storage.getStore(); scope; scope = scope.outer) {
    const { runner } = scope;
    if (runner.dataSource === dataSource && runner.isTransactionActive && !runner.isReleased) return true;
  }
  return false;
}
