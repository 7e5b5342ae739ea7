import type { QueryRunner } from 'typeorm';
import { SagaError } from '../../protocol/errors.js';
import { OwnTransactionNeeded } from '../../ports/step-store.js';
import { driverSide, type StepConnection } from './step-connection.js';
import { transactionOfTheStep, weakerIsolation } from './step-refusals.js';
import type { Part } from './step-turns.js';

/** Weakest first. */
const levels = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];

/** Which transaction inside the step a runner has open, the innermost last. */
const partsOf = new WeakMap<QueryRunner, Part[]>();

/** Whether a runner is one of a step's, which may be over. */
export function isOfStep(runner: QueryRunner): boolean {
  return partsOf.has(runner);
}

/** The transaction inside a step that was begun last on a runner. */
export function partOf(runner: QueryRunner | undefined): Part | undefined {
  return runner && partsOf.get(runner)?.at(-1);
}

/**
 * Makes a query runner of TypeORM's one of the step: it speaks on the step's connection, finds itself in a transaction, and its own transactions are
 * parts of the step's. It cannot end that, nor give the connection back.
 */
export function joined(runner: QueryRunner, connection: StepConnection): QueryRunner {
  const client = connection.clientFor(runner);
  const side = driverSide(runner);
  const parts: Part[] = [];
  partsOf.set(runner, parts);
  const query = runner.query.bind(runner);
  const innermost = (): Part => {
    const part = parts.at(-1);
    if (!part) throw transactionOfTheStep();
    return part;
  };
  const closed = (part: Part): void => {
    parts.splice(parts.indexOf(part), 1);
    side.isTransactionActive = parts.length > 0 || connection.isOfAll(runner);
  };
  const own: Partial<QueryRunner> = {
    connect: async () => client,
    query: async (...given: Parameters<QueryRunner['query']>) => query(...given).catch(rethrown) as never,
    async startTransaction(level) {
      refuseStronger(level, connection);
      await runner.broadcaster.broadcast('BeforeTransactionStart');
      parts.push(await connection.openPart(runner));
      side.isTransactionActive = true;
      await runner.broadcaster.broadcast('AfterTransactionStart');
    },
    async commitTransaction() {
      const part = innermost();
      await runner.broadcaster.broadcast('BeforeTransactionCommit');
      await connection.commitPart(part);
      closed(part);
      await runner.broadcaster.broadcast('AfterTransactionCommit');
    },
    async rollbackTransaction() {
      const part = innermost();
      await runner.broadcaster.broadcast('BeforeTransactionRollback');
      await connection.rollBackPart(part);
      closed(part);
      await runner.broadcaster.broadcast('AfterTransactionRollback');
    },
    async [Symbol.asyncDispose]() {
      while (parts.length > 0) await runner.commitTransaction();
      await runner.release();
    },
  };
  side.transactionDepth = 1;
  return Object.assign(runner, own, { isTransactionActive: true });
}

/** TypeORM wraps what its driver throws. */
function rethrown(error: unknown): never {
  const { driverError } = error as { readonly driverError?: unknown };
  throw driverError instanceof SagaError || driverError instanceof OwnTransactionNeeded ? driverError : error;
}

function refuseStronger(asked: string | undefined, { dataSource }: StepConnection): void {
  const has: string = dataSource.options.isolationLevel ?? 'READ COMMITTED';
  if (asked && levels.indexOf(asked) > levels.indexOf(has)) throw weakerIsolation(asked, has);
}
