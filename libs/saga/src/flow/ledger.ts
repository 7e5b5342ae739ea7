import { untouched } from '../protocol/step-state.js';
import { fenceKey, type FenceKey, type FenceRow } from '../ports/fence-row.js';
import type { Changes } from '../ports/step-store.js';
import type { RunningTimer, TimerKey, TimerKind } from '../ports/timers.js';
import type { BoundStep } from './bound-step.js';
import type { Delivery, Settled } from './delivery.js';
import type { LogLine } from './failure/failure-report.js';
import { hasTimers, timersOfChange } from './time/timers-of.js';

/** The fence rows of one transaction: as they were read, and as they shall be saved. */
export class Ledger {
  private readonly rows = new Map<string, FenceRow>();
  private readonly touched = new Set<string>();
  private readonly read: ReadonlyMap<string, FenceRow>;
  private readonly bounds = new Map<string, BoundStep>();
  private readonly over: TimerKey[] = [];
  private lines: LogLine[] = [];

  constructor(read: readonly FenceRow[]) {
    this.read = new Map(read.map((row) => [fenceKey(row), row]));
    for (const row of read) this.rows.set(fenceKey(row), row);
  }

  /** The row of a delivery's step, or the one that it would begin. */
  rowOf(delivery: Delivery): FenceRow {
    const key = fenceKey(keyOf(delivery));
    if (hasTimers(delivery.bound)) this.bounds.set(key, delivery.bound);
    return this.rows.get(key) ?? newRow(delivery);
  }

  /** A row that was read or put. */
  find(key: FenceKey): FenceRow | undefined {
    return this.rows.get(fenceKey(key));
  }

  put(row: FenceRow): void {
    const key = fenceKey(row);
    this.rows.set(key, row);
    this.touched.add(key);
  }

  /** A timer of the row is over. */
  end({ sagaId, step }: FenceKey, kind: TimerKind): void {
    this.over.push({ sagaId, step, kind });
  }

  /** The timers that are set and ended with the rows as they are now. */
  timers(): Pick<Changes, 'timersSet' | 'timersEnded'> {
    const timersSet: RunningTimer[] = [];
    const timersEnded = [...this.over];
    for (const [key, bound] of this.bounds) {
      const row = this.rows.get(key);
      if (!row || !this.touched.has(key)) continue;
      const { set, ended } = timersOfChange(bound, this.read.get(key)?.status ?? 'none', row);
      timersSet.push(...set);
      timersEnded.push(...ended.map((kind) => ({ sagaId: row.sagaId, step: row.step, kind })));
    }
    return { ...(timersSet.length > 0 && { timersSet }), ...(timersEnded.length > 0 && { timersEnded }) };
  }

  /** For the log, once all of it is committed: of what is rolled back nothing is told. */
  tell(line: LogLine): void {
    this.lines.push(line);
  }

  /** A member of the batch, with what is to be told of it. */
  telling(settled: Settled): Settled {
    if (this.lines.length === 0) return settled;
    const { lines } = this;
    this.lines = [];
    return { ...settled, lines };
  }

  changed(): readonly FenceRow[] {
    return [...this.touched].map((key) => this.rows.get(key)!);
  }
}

export function keyOf(delivery: Delivery): FenceKey {
  return { sagaId: delivery.sagaId, step: delivery.bound.node.name };
}

function newRow(delivery: Delivery): FenceRow {
  const { sagaId, bound, headers } = delivery;
  const { status, predecessorsDone, successorsClosed } = untouched;
  const step = bound.node.name;
  return { sagaId, step, status, predecessorsDone, successorsClosed, headers, inputs: {}, attempts: 0, version: 0 };
}
