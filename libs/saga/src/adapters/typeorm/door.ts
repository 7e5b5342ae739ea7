import type { Pool, PoolClient } from 'pg';
import type { DataSource, EntityManager, EntityTarget, ObjectLiteral, QueryRunner } from 'typeorm';
import { watchRunners } from './callers-scope.js';
import { runnerFromOutside, stepEnded } from './step-refusals.js';
import { joined, partOf } from './step-runner.js';
import { insidePart, openScopeOf, outsideStep, scopeOf } from './step-scope.js';

/** What of the driver is used here. */
interface Driver {
  createQueryRunner(mode: 'master' | 'slave'): QueryRunner;
  /** Once the DataSource is open. */
  readonly master?: Pool;
  readonly slaves: readonly Pool[];
}

const guarded = new WeakSet<object>();

/** Whether something is guarded for the first time. */
function isNew(what: object): boolean {
  if (guarded.has(what)) return false;
  guarded.add(what);
  return true;
}

/**
 * The one door to Postgres: makes everything that is reached through this DataSource while a step runs a part of the step's transaction, whoever
 * asks and however, and leaves all as it was where none runs. All of TypeORM asks the driver for a query runner, and all query runners
 * ask the pool for a client; both are given what belongs to the step. A query runner that was made elsewhere is refused.
 */
export function guardDoor(dataSource: DataSource): void {
  const driver = dataSource.driver as unknown as Driver;
  guardPools(dataSource, driver);
  if (!isNew(driver)) return;
  const create = driver.createQueryRunner.bind(driver);
  const example = create('master');
  guardRunners(example);
  watchRunners(example);
  guardManagers(dataSource);
  driver.createQueryRunner = (mode) => {
    const scope = openScopeOf(dataSource);
    const runner = create(mode);
    return scope ? joined(runner, scope.connection) : runner;
  };
}

/** Anew when the DataSource was closed and opened again. */
function guardPools(dataSource: DataSource, { master, slaves }: Driver): void {
  for (const pool of [master, ...slaves]) {
    if (!pool || !isNew(pool)) continue;
    const connect = pool.connect.bind(pool) as (given?: Connected) => Promise<PoolClient> | void;
    const own = (given?: Connected): Promise<PoolClient> | void => {
      const scope = scopeOf(dataSource);
      if (!scope) return connect(given);
      if (scope.connection.ended) return given ? given(stepEnded()) : Promise.reject(stepEnded());
      const client = scope.connection.clientFor({});
      return given ? given(undefined, client, () => undefined) : Promise.resolve(client);
    };
    Object.assign(pool, { connect: own });
  }
}

type Connected = (error: Error | undefined, client?: PoolClient, release?: () => void) => void;

type Connect = (this: QueryRunner) => Promise<PoolClient>;

/** Every query of a runner connects it first, whether it is connected or not; those of the step have a `connect` of their own. */
function guardRunners(example: QueryRunner): void {
  const type = Object.getPrototypeOf(example) as QueryRunner;
  if (!isNew(type)) return;
  const connect: unknown = Object.getOwnPropertyDescriptor(type, 'connect')?.value;
  type.connect = function (this: QueryRunner): Promise<PoolClient> {
    const scope = scopeOf(this.dataSource);
    if (!scope) return Reflect.apply(connect as Connect, this, []);
    const { connection } = scope;
    if (connection.ended) return Promise.reject(stepEnded());
    if (connection.base === this) return Promise.resolve(connection.clientFor(this));
    return Promise.reject(runnerFromOutside());
  };
}

/**
 * The manager of the DataSource has a query runner while a step runs, that of the step, as a manager in a transaction has. Repositories keep the
 * runner that their manager has when they are made, so for them it has none. Transactions are begun on a runner each: they may run side by side.
 */
function guardManagers({ manager }: DataSource): void {
  const { dataSource } = manager;
  const type = Object.getPrototypeOf(manager) as EntityManager;
  Object.defineProperty(manager, 'queryRunner', {
    configurable: true,
    get: () => openScopeOf(dataSource)?.connection.shared,
  });
  manager.getRepository = <E extends ObjectLiteral>(target: EntityTarget<E>) =>
    outsideStep(() => type.getRepository.call(manager, target) as never);
  manager.getTreeRepository = <E extends ObjectLiteral>(target: EntityTarget<E>) =>
    outsideStep(() => type.getTreeRepository.call(manager, target) as never);
  if (isNew(type)) guardTransactions(type);
}

type Callback = (manager: EntityManager) => Promise<unknown>;

function guardTransactions(type: EntityManager): void {
  const { transaction } = type as { transaction: (...given: unknown[]) => Promise<unknown> };
  const own = async function (this: EntityManager, ...given: unknown[]): Promise<unknown> {
    const scope = openScopeOf(this.dataSource);
    if (!scope) return transaction.apply(this, given);
    if (scope.connection.isOfAll(this.queryRunner)) {
      const runner = this.dataSource.createQueryRunner();
      try {
        return await own.apply(runner.manager, given);
      } finally {
        await runner.release();
      }
    }
    const inside = (callback: Callback) => (manager: EntityManager) =>
      insidePart(scope, partOf(manager.queryRunner), () => callback(manager));
    return transaction.apply(
      this,
      given.map((argument) => (typeof argument === 'function' ? inside(argument as Callback) : argument)),
    );
  };
  Object.assign(type, { transaction: own });
}
