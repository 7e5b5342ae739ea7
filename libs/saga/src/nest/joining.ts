import type { EntityManager, QueryRunner } from 'typeorm';
import { SagaError } from '../protocol/errors.js';
import { isOpen, openTransaction, transactionsByHand } from '../adapters/typeorm/callers-scope.js';
import { afterOutermostCommit } from '../adapters/typeorm/callers-commit.js';
import { Patience } from '../flow/patience.js';
import { after, inOwnContext } from '../ports/own-context.js';
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

/** How long one waits who may himself hold what it waits for, ms. */
const patienceByHand = 5_000;

type Code = `${'START' | 'SIGNAL' | 'ABORT'}_INSIDE_TRANSACTION`;

/**
 * Does something apart from all transactions of the caller's, inside of which it would wait for their locks for ever, and go on when they are rolled back. Whether
 * the caller is inside one that was begun by hand cannot be told: while there is any, it is waited for only so long.
 *
 * @throws SagaError `START_INSIDE_TRANSACTION` and the like inside `transaction(...)` of the service's DataSource at once, unless that is joined
 */
export async function unlessInside<T>(
  runtime: SagaRuntime,
  [code, what]: readonly [Code, string],
  { manager }: Joining,
  work: (patience?: Patience) => Promise<T>,
): Promise<T> {
  if (manager !== undefined || runtime.options.store) return work();
  const dataSource = runtime.dataSource();
  const refusal = new SagaError(
    code,
    `${what} inside a transaction without joining it: that would wait for the transaction's own locks, and go on when it is rolled back. Join it with { manager }, the one that the transaction calls back with, or do it after the commit.`,
    { retriable: false },
  );
  if (openTransaction(dataSource)) throw refusal;
  const byHand = transactionsByHand(dataSource);
  return byHand.length === 0 ? work() : bounded(refusal, byHand, work);
}

/** Does something for which nobody waits: at once, or when the caller's transaction is committed; not at all when that is rolled back. */
export function onceCommitted(runtime: SagaRuntime, work: () => void): void {
  const runner = runtime.options.store ? undefined : openTransaction(runtime.dataSource());
  if (!runner) return work();
  afterOutermostCommit(runner, runtime.tables(), { call: () => inOwnContext(work) });
}

function bounded<T>(
  refusal: SagaError,
  byHand: readonly QueryRunner[],
  work: (patience: Patience) => Promise<T>,
): Promise<T> {
  const patience = new Patience(refusal);
  return new Promise((resolve, reject) => {
    const forget = after(patienceByHand, () => {
      const withdrawn = byHand.some(isOpen) && patience.withdraw();
      if (withdrawn) reject(withdrawn);
    });
    work(patience).then(resolve, reject).finally(forget);
  });
}
