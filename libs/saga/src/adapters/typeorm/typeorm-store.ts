import type { DataSource, QueryRunner } from 'typeorm';
import type { FenceKey, FenceRow } from '../../ports/fence-row.js';
import {
  OwnTransactionNeeded,
  TransactionLost,
  type CallersTransaction,
  type Outbox,
  type StepStore,
  type StepTransaction,
  type TransactionOptions,
} from '../../ports/step-store.js';
import type { TimerKind } from '../../ports/timers.js';
import { reasonOf } from '../../protocol/reason.js';
import { ConnectionWatch } from './connection-watch.js';
import { failureOf, refuseFailed } from './store-failures.js';
import { claimStatement, findStatement, lockStatement, nextDueStatement, savedAtStatement } from './statements.js';
import { rowOf, type StepRecord } from './row-mapping.js';
import { readWith } from './reading.js';
import { guardDoor } from './door.js';
import { isLost } from './step-proof.js';
import { inScope, managerInScope } from './step-scope.js';
import {
  afterCommit,
  beforeCommit,
  beginWith,
  commitWith,
  queryApart,
  rolledBack,
  withRunner,
} from './step-transaction.js';
import { TypeOrmAuditLog } from './typeorm-audit-log.js';
import { TypeOrmDeadLetters } from './typeorm-dead-letters.js';
import { watchTransactions } from './callers-scope.js';
import { JoinedTransaction, type Opening } from './joined-transaction.js';
import { rowsOf, written } from './row-changes.js';
import { TypeOrmOutbox } from './typeorm-outbox.js';
import { TypeOrmRetention } from './typeorm-retention.js';
import { TypeOrmTimers } from './typeorm-timers.js';
import { tablesOf, type Tables } from './tables.js';
import { overdueStatement } from './timer-statements.js';

/** Fence rows and outbox in the service's own Postgres, through its TypeORM DataSource. Hot statements are SQL, few and multi-row. */
export class TypeOrmStore implements StepStore {
  readonly outbox: Outbox;
  readonly timers: StepStore['timers'];
  readonly deadLetters: StepStore['deadLetters'];
  readonly audit: StepStore['audit'];
  readonly retention: StepStore['retention'];

  /** @param logger told what failed after a commit */
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables = tablesOf(dataSource),
    private readonly logger?: { error(message: string): void },
  ) {
    guardDoor(dataSource);
    watchTransactions(dataSource);
    this.outbox = new TypeOrmOutbox(dataSource, tables);
    this.timers = new TypeOrmTimers(dataSource, tables);
    this.deadLetters = new TypeOrmDeadLetters(dataSource, tables);
    this.audit = new TypeOrmAuditLog(dataSource, tables);
    this.retention = new TypeOrmRetention(dataSource, tables);
  }

  /**
   * What is saved travels with the commit. Subscribers of the DataSource hear of the transactions in which a method ran: one that throws before the commit
   * refuses what the method did, one that throws after it takes nothing back.
   */
  transaction<T>(
    keys: readonly FenceKey[],
    work: (transaction: StepTransaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T> {
    guardDoor(this.dataSource);
    return withRunner(this.dataSource, (runner) => this.transactionOn(runner, keys, work, options));
  }

  private async transactionOn<T>(
    runner: QueryRunner,
    keys: readonly FenceKey[],
    work: (transaction: StepTransaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T> {
    let phase: 'begin' | 'read' | 'method' | 'commit' = 'begin';
    let watch: ConnectionWatch | undefined;
    let ran = false;
    try {
      watch = ConnectionWatch.begin((await runner.connect()) as object);
      phase = 'read';
      const locked = await beginWith<StepRecord>(runner, lockStatement(this.tables, keys));
      phase = 'method';
      const statements: string[] = [];
      const save: StepTransaction['save'] = async (changes) => void statements.push(...written(this.tables, changes));
      const result = await work(
        this.open(runner, rowsOf(locked, keys), save, { ...options, runs: () => (ran = true) }),
      );
      refuseFailed(watch);
      if (ran) await beforeCommit(runner);
      refuseFailed(watch);
      phase = 'commit';
      await commitWith(runner, statements);
      if (ran) await afterCommit(runner, (error) => this.notTaken(error));
      return result;
    } catch (error) {
      const mayBeLost = phase === 'method' && ran; // a commit that fails has ended it by itself
      if ((await rolledBack(runner, mayBeLost)) || isLost(runner, error)) throw new TransactionLost({ cause: error });
      if (error instanceof OwnTransactionNeeded) throw error;
      throw failureOf(error, phase, watch);
    }
  }

  async joining(manager: unknown): Promise<CallersTransaction> {
    const open: Opening = (runner, rows, save) => this.open(runner, rows, save, { isShared: true });
    return JoinedTransaction.of(this.dataSource, this.tables, manager, open);
  }

  async claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]> {
    const records = await queryApart<StepRecord>(this.dataSource, claimStatement(this.tables), [limit, leaseMs]);
    return records.map(rowOf);
  }

  async nextDue(): Promise<number | undefined> {
    const [next] = await queryApart<{ due_in: number | null }>(this.dataSource, nextDueStatement(this.tables));
    return next?.due_in ?? undefined;
  }

  async find(sagaId: string): Promise<readonly FenceRow[]> {
    const records = await queryApart<StepRecord>(this.dataSource, findStatement(this.tables), [sagaId]);
    return records.map(rowOf);
  }

  async savedAt({ sagaId, step }: FenceKey): Promise<Date | undefined> {
    const [found] = await queryApart<{ saved_at: number }>(this.dataSource, savedAtStatement(this.tables), [
      sagaId,
      step,
    ]);
    return found && new Date(found.saved_at);
  }

  private open(
    runner: QueryRunner,
    rows: readonly FenceRow[],
    save: StepTransaction['save'],
    { runs, ...options }: TransactionOptions & { readonly runs?: () => void },
  ): StepTransaction {
    const { dataSource } = this;
    return {
      rows,
      get manager() {
        return managerInScope(dataSource);
      },
      run: (method, how) => {
        runs?.();
        return inScope(runner, method, { ...options, ...how });
      },
      overdue: (timers) => readWith<TimerKind>(runner, overdueStatement(this.tables, timers)),
      save,
    };
  }

  private notTaken(error: unknown): void {
    this.logger?.error(
      `A subscriber of the DataSource failed after the commit of a step, which stays committed: ${reasonOf(error)}`,
    );
  }
}
