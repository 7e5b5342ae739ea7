import { fenceKey, type FenceKey, type FenceRow } from '../../ports/fence-row.js';
import type { Clock } from '../../ports/clock.js';
import {
  FenceConflict,
  type Changes,
  type Outbox,
  type OutboxMessage,
  type StepStore,
  type StepTransaction,
} from '../../ports/step-store.js';

interface Stored {
  readonly message: OutboxMessage;
  readonly at: number;
}

/** Fence rows and outbox in memory, for tests of sagas that need no database: what methods write elsewhere joins nothing. */
export class MemoryStore implements StepStore {
  private readonly rows = new Map<string, FenceRow>();
  private readonly messages = new Map<string, Stored>();
  private readonly locks = new Map<string, Promise<void>>();
  private readonly inHand = new Set<string>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  async transaction<T>(keys: readonly FenceKey[], work: (transaction: StepTransaction) => Promise<T>): Promise<T> {
    const names = [...new Set(keys.map(fenceKey))].toSorted();
    const release = await this.lock(names);
    try {
      const saves: Changes[] = [];
      const rows = names.flatMap((name) => this.rows.get(name) ?? []);
      const result = await work({
        rows: structuredClone(rows),
        manager: undefined,
        run: (method) => method(),
        save: async (changes) => void saves.push(stored(changes)),
      });
      for (const changes of saves) this.check(changes);
      for (const changes of saves) this.commit(changes);
      return result;
    } finally {
      release();
    }
  }

  async claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]> {
    const now = this.clock.now().getTime();
    const due = this.waiting()
      .filter((row) => row.nextAttemptAt!.getTime() <= now && !this.locks.has(fenceKey(row)))
      .slice(0, limit);
    return due.map((row) => {
      const leased = { ...row, nextAttemptAt: new Date(now + leaseMs), version: row.version + 1 };
      this.rows.set(fenceKey(row), leased);
      return structuredClone(leased);
    });
  }

  async nextDue(): Promise<Date | undefined> {
    return this.waiting()[0]?.nextAttemptAt;
  }

  async find(sagaId: string): Promise<readonly FenceRow[]> {
    return structuredClone([...this.rows.values()].filter((row) => row.sagaId === sagaId));
  }

  readonly outbox: Outbox = {
    sweep: async (limit, olderThanMs, publish) => {
      const before = this.clock.now().getTime() - olderThanMs;
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

  private waiting(): readonly FenceRow[] {
    return [...this.rows.values()]
      .filter((row) => row.nextAttemptAt !== undefined)
      .toSorted((a, b) => a.nextAttemptAt!.getTime() - b.nextAttemptAt!.getTime());
  }

  private check({ rows }: Changes): void {
    if (rows.some((row) => (this.rows.get(fenceKey(row))?.version ?? 0) !== row.version)) throw new FenceConflict();
  }

  private commit({ rows, staged, published }: Changes): void {
    const at = this.clock.now().getTime();
    for (const row of rows) this.rows.set(fenceKey(row), { ...row, version: row.version + 1 });
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

/** As a database keeps it: a copy, without classes. */
function stored({ rows, staged, published }: Changes): Changes {
  return {
    rows: rows.map((row) => ({
      ...asJson(row),
      ...(row.failingSince && { failingSince: row.failingSince }),
      ...(row.nextAttemptAt && { nextAttemptAt: row.nextAttemptAt }),
    })),
    staged: asJson(staged),
    published,
  };
}

function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
