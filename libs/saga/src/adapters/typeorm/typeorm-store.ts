import type { DataSource, QueryRunner } from 'typeorm';
import type { FenceKey, FenceRow } from '../../ports/fence-row.js';
import {
  FenceConflict,
  type Changes,
  type Outbox,
  type StepStore,
  type StepTransaction,
} from '../../ports/step-store.js';
import { claimStatement, lockStatement, saveStatement } from './statements.js';
import { packed, recordOf, rowOf, type StepRecord } from './row-mapping.js';
import { beginWith, inScope, joinStepTransactions, queryApart, rolledBack } from './step-transaction.js';
import { TypeOrmOutbox } from './typeorm-outbox.js';

/** Fence rows and outbox in the service's own Postgres, through its TypeORM DataSource. Hot statements are SQL, few and multi-row. */
export class TypeOrmStore implements StepStore {
  readonly outbox: Outbox;

  constructor(private readonly dataSource: DataSource) {
    joinStepTransactions(dataSource);
    this.outbox = new TypeOrmOutbox(dataSource);
  }

  async transaction<T>(keys: readonly FenceKey[], work: (transaction: StepTransaction) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const records = await beginWith<StepRecord>(runner, lockStatement(keys));
      const result = await work(this.open(runner, records.map(rowOf)));
      await runner.commitTransaction();
      return result;
    } catch (error) {
      await rolledBack(runner);
      throw isTransient(error) ? new FenceConflict({ cause: error }) : error;
    } finally {
      await runner.release();
    }
  }

  async claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]> {
    const records = await queryApart<StepRecord[]>(this.dataSource, claimStatement, [limit, leaseMs]);
    return records.map(rowOf);
  }

  async nextDue(): Promise<Date | undefined> {
    const [{ due }] = await queryApart<[{ due: Date | null }]>(
      this.dataSource,
      'SELECT min(next_attempt_at) AS due FROM saga_step WHERE next_attempt_at IS NOT NULL',
    );
    return due ?? undefined;
  }

  async find(sagaId: string): Promise<readonly FenceRow[]> {
    const records = await queryApart<StepRecord[]>(this.dataSource, 'SELECT * FROM saga_step WHERE saga_id = $1', [
      sagaId,
    ]);
    return records.map(rowOf);
  }

  private open(runner: QueryRunner, rows: readonly FenceRow[]): StepTransaction {
    return {
      rows,
      manager: runner.manager,
      run: (method) => inScope(this.dataSource, runner, method),
      save: (changes) => save(runner, changes),
    };
  }
}

async function save(runner: QueryRunner, { rows, staged, published }: Changes): Promise<void> {
  if (rows.length + staged.length + published.length === 0) return;
  const [result] = (await runner.query(saveStatement, [
    JSON.stringify(rows.map(recordOf)),
    staged.map(({ id }) => id),
    staged.map((message) => JSON.stringify(packed(message))),
    published,
  ])) as [{ saved: number }];
  if (result.saved !== rows.length) throw new FenceConflict();
}

const transientCodes = new Set(['40001', '40P01']);

/** A serialization failure or a deadlock, however deeply a library wrapped it. */
function isTransient(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    const { code, driverError, cause } = at as Error & { code?: unknown; driverError?: unknown };
    if (typeof code === 'string' && transientCodes.has(code)) return true;
    at = driverError !== at ? (driverError ?? cause) : cause;
  }
  return false;
}
