import { EntityManager, type DataSource, type QueryRunner } from 'typeorm';
import { SagaError } from '../../protocol/errors.js';
import { isOfStep } from './step-runner.js';

/** @throws SagaError `INVALID_MANAGER` for what has no open transaction of this DataSource */
export function runnerToJoin(dataSource: DataSource, manager: unknown): QueryRunner {
  const runner = manager instanceof EntityManager ? manager.queryRunner : isRunner(manager) ? manager : undefined;
  if (!runner && !(manager instanceof EntityManager))
    throw unfitManager('is neither an EntityManager nor a QueryRunner; give the one of the transaction to be joined');
  if (!runner) throw unfitManager('has no transaction; give the one that dataSource.transaction calls back with');
  if (runner.dataSource !== dataSource)
    throw unfitManager("is of another DataSource; give one of the DataSource that holds the service's sagas");
  if (isOfStep(runner))
    throw unfitManager(
      "is that of a step, whose transaction is the step's own; let the event that the step emits start the saga",
    );
  if (runner.isReleased) throw unfitManager('is released, so its transaction is over; start inside the transaction');
  if (!runner.isTransactionActive)
    throw unfitManager('has no open transaction; begin one with startTransaction, or dataSource.transaction');
  return runner;
}

export function unfitManager(what: string, cause?: unknown): SagaError {
  return new SagaError('INVALID_MANAGER', `The manager that was given ${what}.`, { retriable: false }, { cause });
}

/** What has been done in the caller's transaction is lost, or committed by halves. */
export function lostByMethod(what: string, cause?: unknown): SagaError {
  return new SagaError(
    'TRANSACTION_OF_THE_STEP',
    `The first step of a saga that joined a transaction ${what}; it must leave the transaction as it is, and await all that it begins in it.`,
    { retriable: false },
    { cause },
  );
}

export function conflictInSnapshot(cause: unknown): SagaError {
  return new SagaError(
    'CONFLICT',
    'The saga was begun or changed by somebody else at the same time, which this transaction cannot see or must wait for; nothing was done. Roll the transaction back and do all of it again.',
    { retriable: true },
    { cause },
  );
}

/** There is no such savepoint, or no transaction. */
export function isEnded(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === '3B001' || code === '25P01';
}

function isRunner(given: unknown): given is QueryRunner {
  return typeof given === 'object' && given !== null && 'startTransaction' in given && 'isTransactionActive' in given;
}
