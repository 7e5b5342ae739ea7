import { SagaError } from '../../protocol/errors.js';
import type { Setting } from './transaction-settings.js';

const final = { retriable: false };

export function stepEnded(): SagaError {
  return new SagaError(
    'STEP_ENDED',
    'A query of a saga step came after the step had ended, so it cannot join its transaction; await every query in the method.',
    final,
  );
}

/** What a method began and did not wait for would be committed by half, or by itself. */
export function stepUnfinished(what: 'transaction' | 'stream'): SagaError {
  return new SagaError(
    'STEP_ENDED',
    `A ${what} inside a saga step was still open when the step had ended; ${what === 'stream' ? 'read every stream to its end, or close it,' : 'await every transaction'} in the method.`,
    final,
  );
}

export function transactionOfTheStep(): SagaError {
  return new SagaError(
    'TRANSACTION_OF_THE_STEP',
    'A saga step cannot begin or end its transaction: it is committed with the event of the step. Use `transaction` of the manager, or startTransaction of a query runner made in the step, for a part that may fail alone.',
    final,
  );
}

export function runnerFromOutside(): SagaError {
  return new SagaError(
    'RUNNER_FROM_OUTSIDE',
    'A query runner that was made before a saga step began cannot join its transaction, and is not used in it; make it in the step, with createQueryRunner(), or use the repositories. What shall stay apart from the step goes into outsideStep(() => ...).',
    final,
  );
}

export function oneStatementPerQuery(cause?: unknown): SagaError {
  return new SagaError(
    'ONE_STATEMENT_PER_QUERY',
    'A query of a saga step holds several statements; inside a step a query is one statement, so that none of them can end the transaction of the step. Make a query of each.',
    final,
    { cause },
  );
}

export function transactionsOverlap(): SagaError {
  return new SagaError(
    'TRANSACTIONS_OVERLAP',
    'Two transactions inside a saga step overlapped, and one of them was rolled back with what the other, or the step itself, wrote meanwhile: they share a connection. Await one before the next begins, and write through the manager of the one that is open.',
    final,
  );
}

export function weakerIsolation(asked: string, has: string): SagaError {
  return new SagaError(
    'ISOLATION_OF_THE_STEP',
    `A transaction inside a saga step was to be ${asked}, but it is a part of the step's, which is ${has}; set isolationLevel: '${asked}' on the DataSource, or do the work in outsideStep(() => ...).`,
    final,
  );
}

export function connectionOfTheStep(): SagaError {
  return new SagaError('TRANSACTION_OF_THE_STEP', 'A saga step cannot close the connection of its transaction.', final);
}

export function streamOpen(): SagaError {
  return new SagaError(
    'STREAM_OPEN',
    'A query of a saga step came while a stream of the step was being read, and they have one connection; read the stream to its end first, or read it in outsideStep(() => ...).',
    final,
  );
}

export function sessionOfThePool({ what, instead }: Setting): SagaError {
  return new SagaError(
    'SESSION_OF_THE_POOL',
    `A saga step cannot use ${what}: it would last beyond the step, on a connection that goes back to the pool. ${instead ?? ''}`.trim(),
    final,
  );
}

export function settingInStream(what: string): SagaError {
  return new SagaError(
    'SETTING_IN_STREAM',
    `A stream or cursor of a saga step cannot hold ${what}; make a query of it.`,
    final,
  );
}
