import { fenceKey, type FenceKey, type FenceRow } from '../../ports/fence-row.js';
import type { Clock } from '../../ports/clock.js';
import {
  FenceConflict,
  StoreFailure,
  type Changes,
  type Outbox,
  type OutboxMessage,
  type StepStore,
  type StepTransaction,
} from '../../ports/step-store.js';
import { MemoryOperations } from './memory-operations.js';
import { settledBefore } from './memory-retention.js';
import { MemoryTimers } from './memory-timers.js';

/** A row beside the time when it is due, of which the row itself says only what is left, and since when it is settled. */
export interface Kept {
  readonly row: FenceRow;
  readonly dueAt?: number;
  readonly settledAt?: number;
  readonly savedAt?: number;
}

interface Stored {
  readonly message: OutboxMessage;
  readonly at: number;
}

/** How a database fails a transaction: it cannot begin, its commit is refused, or is done and not answered. */
export type StoreFault = 'begin' | 'commit' | 'answer';

/** Fence rows and outbox in memory, for tests of sagas that need no database: what methods write elsewhere joins nothing. */
export class MemoryStore implements StepStore {
  private readonly rows = new Map<string, Kept>();
  private readonly messages = new Map<string, Stored>();
  private readonly locks = new Map<string, Promise<void>>();
  private readonly inHand = new Set<string>();
  private readonly operations: MemoryOperations;
  readonly timers: MemoryTimers;
  private fault: StoreFault | undefined;

  constructor(private readonly clock: Pick<Clock, 'now'>) {
    this.operations = new MemoryOperations(clock);
    this.timers = new MemoryTimers(clock);
  }

  get deadLetters(): StepStore['deadLetters'] {
    return this.operations.deadLetters;
  }

  get audit(): StepStore['audit'] {
    return this.operations.audit;
  }

  /** Has the next transaction that comes so far fail as a database would fail it. */
  failNext(fault: StoreFault): void {
    this.fault = fault;
  }

  async transaction<T>(keys: readonly FenceKey[], work: (transaction: StepTransaction) => Promise<T>): Promise<T> {
    this.fail('begin');
    const names = [...new Set(keys.map(fenceKey))].toSorted();
    const release = await this.lock(names);
    try {
      const saves: Changes[] = [];
      const began = this.now();
      const rows = names.flatMap((name) => this.rows.get(name) ?? []).map((kept) => readAt(began, kept));
      const result = await work({
        rows,
        manager: undefined,
        run: (method) => method(),
        overdue: async (timers) => this.timers.overdue(timers),
        save: async (changes) => void saves.push(stored(changes)),
      });
      for (const changes of saves) this.check(changes);
      this.fail('commit');
      for (const changes of saves) this.commit(changes, began);
      this.fail('answer');
      return result;
    } finally {
      release();
    }
  }

  async claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]> {
    const now = this.now();
    const due = this.waiting()
      .filter(({ row, dueAt }) => dueAt <= now && !this.locks.has(fenceKey(row)))
      .slice(0, limit);
    return due.map(({ row }) => {
      const leased = { row: { ...row, version: row.version + 1 }, dueAt: now + leaseMs };
      this.rows.set(fenceKey(row), leased);
      return readAt(now, leased);
    });
  }

  async nextDue(): Promise<number | undefined> {
    const [next] = this.waiting();
    return next && next.dueAt - this.now();
  }

  async find(sagaId: string): Promise<readonly FenceRow[]> {
    const now = this.now();
    return [...this.rows.values()].filter(({ row }) => row.sagaId === sagaId).map((kept) => readAt(now, kept));
  }

  async savedAt(key: FenceKey): Promise<Date | undefined> {
    const at = this.rows.get(fenceKey(key))?.savedAt;
    return at === undefined ? undefined : new Date(at);
  }

  readonly outbox: Outbox = {
    sweep: async (limit, olderThanMs, publish) => {
      const before = this.now() - olderThanMs;
      const old = [...this.messages.values()]
        .filter(({ message, at }) => at <= before && !this.inHand.has(message.id))
        .slice(0, limit);
      const messages = old.map(({ message }) => message);
      for (const { id } of messages) this.inHand.add(id);
      try {
        const published = messages.length > 0 ? await publish(structuredClone(messages)) : [];
        for (const id of published) this.messages.delete(id);
        return published.length;
      } finally {
        for (const { id } of messages) this.inHand.delete(id);
      }
    },
    delete: async (ids) => {
      for (const id of ids) this.messages.delete(id);
    },
    backlog: async () => {
      const oldest = [...this.messages.values()][0];
      return { size: this.messages.size, ...(oldest && { oldest: new Date(oldest.at) }) };
    },
  };

  readonly retention: StepStore['retention'] = {
    purgeRows: async (keepMs, limit) => {
      const before = this.now() - keepMs;
      const old = settledBefore(before, [...this.rows.values()]).filter(
        ({ row }) => !this.locks.has(fenceKey(row)) && !this.operations.waitsFor(row.sagaId),
      );
      for (const { row } of old.slice(0, limit)) {
        this.rows.delete(fenceKey(row));
        this.timers.forget(row);
      }
      return Math.min(old.length, limit);
    },
    purgeLetters: async (keepMs, limit) => this.operations.purge(new Date(this.now() - keepMs), limit),
  };

  private fail(at: StoreFault): void {
    if (this.fault !== at) return;
    this.fault = undefined;
    const outcome = at === 'answer' ? 'unknown' : 'rolledBack';
    throw new StoreFailure(at === 'begin' ? 'begin' : 'commit', { cause: new Error('asked for'), outcome });
  }

  private now(): number {
    return this.clock.now().getTime();
  }

  private waiting(): readonly (Kept & { readonly dueAt: number })[] {
    return [...this.rows.values()]
      .filter((kept): kept is Kept & { readonly dueAt: number } => kept.dueAt !== undefined)
      .toSorted((a, b) => a.dueAt - b.dueAt);
  }

  private check(changes: Changes): void {
    this.operations.check(changes);
    const { rows } = changes;
    if (rows.some((row) => (this.rows.get(fenceKey(row))?.row.version ?? 0) !== row.version)) throw new FenceConflict();
  }

  private commit(changes: Changes, began: number): void {
    this.operations.commit(changes);
    this.timers.commit(changes, began);
    const { rows, staged, published } = changes;
    const at = this.now();
    for (const { dueIn, ...row } of rows) {
      const due = dueIn !== undefined && { dueAt: began + dueIn };
      const settled = row.settled && { settledAt: this.rows.get(fenceKey(row))?.settledAt ?? at };
      this.rows.set(fenceKey(row), { row: { ...row, version: row.version + 1 }, ...due, ...settled, savedAt: at });
    }
    for (const message of staged) this.messages.set(message.id, { message, at });
    for (const id of published) this.messages.delete(id);
  }

  /** Takes all locks or waits for the first that is held; sorted names keep two transactions from waiting for each other. */
  private async lock(names: readonly string[]): Promise<() => void> {
    for (let held = this.holder(names); held; held = this.holder(names)) await held;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    for (const name of names) this.locks.set(name, released);
    return () => {
      for (const name of names) this.locks.delete(name);
      release();
    };
  }

  private holder(names: readonly string[]): Promise<void> | undefined {
    return names.map((name) => this.locks.get(name)).find((held) => held !== undefined);
  }
}

function readAt(now: number, { row, dueAt }: Kept): FenceRow {
  return { ...structuredClone(row), ...(dueAt !== undefined && { dueIn: dueAt - now }) };
}

/** As a database keeps it: a copy, without classes. */
function stored({ rows, staged, published, ...operations }: Changes): Changes {
  return {
    ...operations,
    rows: rows.map((row) => ({
      ...asJson(row),
      ...(row.failingSince && { failingSince: row.failingSince }),
      ...(row.postponed && { postponed: row.postponed }),
    })),
    staged: asJson(staged),
    published,
  };
}

function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
