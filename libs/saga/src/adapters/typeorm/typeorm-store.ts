import type { DataSource, QueryRunner } from 'typeorm';
import { isClosed } from '../../protocol/step-state.js';
import { fenceKey, type FenceKey, type FenceRow } from '../../ports/fence-row.js';
import {
  FenceConflict,
  type Changes,
  type Outbox,
  type StepStore,
  type StepTransaction,
} from '../../ports/step-store.js';
import {
  claimStatement,
  findStatement,
  nextDueStatement,
  forgetStatement,
  lockStatement,
  saveStatements,
  stageStatement,
  unlockStatements,
} from './statements.js';
import { operationStatements } from './operation-statements.js';
import { lockedRowOf, packed, recordOf, rowOf, type LockedRecord, type StepRecord } from './row-mapping.js';
import { beginWith, commitWith, inScope, joinStepTransactions, queryApart, rolledBack } from './step-transaction.js';
import { TypeOrmAuditLog } from './typeorm-audit-log.js';
import { TypeOrmDeadLetters } from './typeorm-dead-letters.js';
import type { TimerKey } from '../../ports/timers.js';
import { isConflict } from './conflicts.js';
import { TypeOrmOutbox } from './typeorm-outbox.js';
import { TypeOrmRetention } from './typeorm-retention.js';
import { TypeOrmTimers } from './typeorm-timers.js';
import { overdueStatement, timerStatements } from './timer-statements.js';

/** Fence rows and outbox in the service's own Postgres, through its TypeORM DataSource. Hot statements are SQL, few and multi-row. */
export class TypeOrmStore implements StepStore {
  readonly outbox: Outbox;
  readonly timers: StepStore['timers'];
  readonly deadLetters: StepStore['deadLetters'];
  readonly audit: StepStore['audit'];
  readonly retention: StepStore['retention'];

  constructor(private readonly dataSource: DataSource) {
    joinStepTransactions(dataSource);
    this.outbox = new TypeOrmOutbox(dataSource);
    this.timers = new TypeOrmTimers(dataSource);
    this.deadLetters = new TypeOrmDeadLetters(dataSource);
    this.audit = new TypeOrmAuditLog(dataSource);
    this.retention = new TypeOrmRetention(dataSource);
  }

  /** What is saved travels with the commit. */
  async transaction<T>(keys: readonly FenceKey[], work: (transaction: StepTransaction) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const locked = await beginWith<Locked>(runner, lockStatement(keys));
      const statements: string[] = [];
      const rows = rowsOf(locked, keys);
      const result = await work(this.open(runner, rows, async (changes) => void statements.push(...written(changes))));
      await commitWith(runner, statements);
      return result;
    } catch (error) {
      await rolledBack(runner);
      throw isConflict(error) ? new FenceConflict({ cause: error }) : error;
    } finally {
      await runner.release();
    }
  }

  async claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]> {
    const records = await queryApart<StepRecord[]>(this.dataSource, claimStatement, [limit, leaseMs]);
    return records.map(rowOf);
  }

  async nextDue(): Promise<number | undefined> {
    const [{ due_in }] = await queryApart<[{ due_in: number | null }]>(this.dataSource, nextDueStatement);
    return due_in ?? undefined;
  }

  async find(sagaId: string): Promise<readonly FenceRow[]> {
    const records = await queryApart<StepRecord[]>(this.dataSource, findStatement, [sagaId]);
    return records.map(rowOf);
  }

  private open(runner: QueryRunner, rows: readonly FenceRow[], save: StepTransaction['save']): StepTransaction {
    return {
      rows,
      manager: runner.manager,
      run: (method) => inScope(runner, method),
      overdue: async (timers) => {
        const ended = (await runner.query(overdueStatement(timers))) as readonly Pick<TimerKey, 'kind'>[];
        return ended.map(({ kind }) => kind);
      },
      save,
    };
  }
}

interface Locked {
  readonly record: LockedRecord;
}

function rowsOf(locked: readonly Locked[], keys: readonly FenceKey[]): readonly FenceRow[] {
  if (locked.length === 0) return [];
  const asked = new Set(keys.map(fenceKey));
  return locked.map(({ record }) => lockedRowOf(record)).filter((row) => asked.has(fenceKey(row)));
}

function written(changes: Changes): readonly string[] {
  const { rows, staged, published } = changes;
  const messages = staged.map((message) => ({
    id: message.id,
    event: JSON.stringify(packed(message)),
  }));
  const ended = rows.filter(({ status, version }) => isClosed(status) && (status !== 'cancelled' || version > 0));
  return [
    ...saveStatements(rows.map(recordOf)),
    ...unlockStatements(ended),
    ...(messages.length > 0 ? [stageStatement(messages)] : []),
    ...(published.length > 0 ? [forgetStatement(published)] : []),
    ...timerStatements(changes),
    ...operationStatements(changes),
  ];
}
