import type { EntityManager, QueryRunner } from 'typeorm';
import { SagaError } from '../protocol/errors.js';
import { isInsideTransaction } from '../adapters/typeorm/callers-scope.js';
import type { StartOptions as Start } from '../flow/start.js';
import type { SagaRuntime } from './runtime.js';

/** For what shall be one commit with rows that the caller writes. */
export interface Joining {
  /**
   * The caller's transaction of the service's DataSource, which is joined: everything is committed or rolled back with it, and published right after its
   * commit. Without it, there must be none.
   */
  readonly manager?: EntityManager | QueryRunner;
}

export interface StartOptions extends Start, Joining {}

export interface SignalOptions extends Joining {
  /** Of a step with `each`, the branch that is meant. */
  readonly branch?: string;
}

/**
 * Apart from the transaction in which it is asked for, it would wait for that one's locks for ever, and go on when that one is rolled back.
 *
 * @throws SagaError `START_INSIDE_TRANSACTION` and the like inside `transaction(...)` of the service's DataSource, unless that is joined
 */
export function refuseInsideTransaction(
  runtime: SagaRuntime,
  code: `${'START' | 'SIGNAL' | 'ABORT'}_INSIDE_TRANSACTION`,
  what: string,
  joining: Joining,
): void {
  if (joining.manager !== undefined || runtime.options.store || !isInsideTransaction(runtime.dataSource())) return;
  throw new SagaError(
    code,
    `${what} inside a transaction without joining it: that would wait for the transaction's own locks, and go on when it is rolled back. Join it with { manager }, the one that the transaction calls back with, or do it after the commit.`,
    { retriable: false },
  );
}
