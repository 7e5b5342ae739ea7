import type { DataSource } from 'typeorm';
import type { RunningTimer, Timer, TimerKey, Timers } from '../../ports/timers.js';
import { queryApart } from './step-transaction.js';
import type { Tables } from './tables.js';
import { claimTimers, handBackTimer, nextTimer, timerOf, timersOfSaga, type TimerRecord } from './timer-statements.js';

/** Timers in the service's own Postgres, by its clock. */
export class TypeOrmTimers implements Timers {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tables: Tables,
  ) {}

  async claim(limit: number, leaseMs: number): Promise<readonly Timer[]> {
    const records = await queryApart<TimerRecord>(this.dataSource, claimTimers(this.tables), [limit, leaseMs]);
    return records.map(timerOf);
  }

  async handBack({ sagaId, step, kind }: TimerKey, dueIn: number): Promise<void> {
    await queryApart(this.dataSource, handBackTimer(this.tables), [sagaId, step, kind, dueIn]);
  }

  async nextDue(): Promise<number | undefined> {
    const [next] = await queryApart<{ due_in: number | null }>(this.dataSource, nextTimer(this.tables));
    return next?.due_in ?? undefined;
  }

  async ofSaga(sagaId: string): Promise<readonly RunningTimer[]> {
    const records = await queryApart<TimerRecord>(this.dataSource, timersOfSaga(this.tables), [sagaId]);
    return records.map((record) => ({ ...timerOf(record), dueIn: record.due_in }));
  }
}
