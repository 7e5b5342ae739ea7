import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { RunOptions, TransactionOptions } from '../../ports/step-store.js';
import { StepConnection } from './step-connection.js';
import type { Part } from './step-turns.js';
import { stepEnded } from './step-refusals.js';
import { storage, type Scope } from './step-storage.js';

/**
 * Runs a step's method so that whatever reaches Postgres through the runner's DataSource is in the runner's transaction.
 *
 * @throws SagaError `STEP_ENDED` when the method left a transaction or a stream open; `TRANSACTIONS_OVERLAP`
 * @throws OwnTransactionNeeded when it changes a transaction that is shared, whatever its method made of the error
 */
export async function inScope<T>(
  runner: QueryRunner,
  method: () => Promise<T>,
  { isShared = false, changesSettings = false }: TransactionOptions & RunOptions = {},
): Promise<T> {
  const connection = new StepConnection(runner, isShared);
  if (changesSettings) await connection.note({});
  try {
    const result = await storage.run({ connection, outer: storage.getStore() }, method);
    await connection.finish();
    return result;
  } catch (error) {
    throw connection.ownNeeded ?? error;
  } finally {
    connection.end();
  }
}

/** Runs the callback of a transaction inside a step. */
export function insidePart<T>(scope: Scope, part: Part | undefined, callback: () => T): T {
  return storage.run(part ? { ...scope, part } : scope, callback);
}

/**
 * Runs work outside of the transaction of the step that is running: what it does in the database is committed by itself, on a connection of its
 * own, and stays when the step is rolled back. A step is repeated when it or its batch is rolled back, and so is the work. It cannot see what the step wrote, takes a
 * second connection of the pool beside the step's, and waits for ever for rows that the step itself has locked. Nothing else of the step is
 * lifted: inside it no saga can be started or signaled.
 *
 * @returns what the work returns
 */
export function outsideStep<T>(work: () => T): T {
  return storage.getStore() ? storage.run(undefined, work) : work();
}

/** The step that is running on a DataSource, also when its method is over. */
export function scopeOf(dataSource: DataSource): Scope | undefined {
  let scope = storage.getStore();
  while (scope && scope.connection.dataSource !== dataSource) scope = scope.outer;
  return scope;
}

/** @throws SagaError `STEP_ENDED` */
export function openScopeOf(dataSource: DataSource): Scope | undefined {
  const scope = scopeOf(dataSource);
  if (scope?.connection.ended) throw stepEnded();
  return scope;
}

/** The manager that a step is given: whoever holds it after the step is refused, whatever step runs then. */
export function managerInScope(dataSource: DataSource): EntityManager | undefined {
  return openScopeOf(dataSource)?.connection.shared.manager;
}
