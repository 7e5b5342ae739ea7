import { randomUUID } from 'node:crypto';
import { sleep } from '../ports/own-context.js';
import { v7 } from 'uuid';
import { messageId, type Envelope } from '../protocol/envelope.js';
import { untouched } from '../protocol/step-state.js';
import type { FenceRow } from '../ports/fence-row.js';
import type { Changes, OutboxMessage, StepStore, StepTransaction } from '../ports/step-store.js';

/** What an adapter brings to its contract. */
export interface StoreHarness {
  /** Two clients of one **empty** store, as two replicas of a service have them; one object twice where there is only one process. */
  readonly stores: readonly [StepStore, StepStore];
  /** The store's own time. */
  now(): Date;
  /** Resolves when that much of the store's own time has passed. */
  elapse(ms: number): Promise<void>;
  /** Has the next transaction of the first store that comes so far fail: it cannot begin, its commit is refused, or is done and not answered. */
  failNext(fault: 'begin' | 'commit' | 'answer'): void;
}

/** What an adapter brings whose store holds business data too. */
export interface BusinessStoreHarness extends StoreHarness {
  /** Writes a business row as an application does: through its own client of the first store's database. */
  write(name: string): Promise<void>;
  /** The names of all business rows that are committed. */
  written(): Promise<readonly string[]>;
}

export interface StoreFact<Harness extends StoreHarness = StoreHarness> {
  readonly title: string;
  readonly body: (scene: Scene<Harness>) => Promise<void>;
}

const none: Changes = { rows: [], staged: [], published: [] };

/** Rows, messages and shortcuts of one fact. */
export class Scene<Harness extends StoreHarness = StoreHarness> {
  readonly store: StepStore;
  readonly other: StepStore;

  constructor(readonly harness: Harness) {
    [this.store, this.other] = harness.stores;
  }

  row(change: Partial<FenceRow> = {}): FenceRow {
    const sagaId = change.sagaId ?? randomUUID();
    const headers = { sagaId, sagaType: 'order', sagaVersion: 1, correlationId: sagaId, partitionKey: sagaId };
    return { sagaId, step: 'reserve', ...untouched, headers, inputs: {}, attempts: 0, version: 0, ...change };
  }

  /** A row whose next attempt is due `ms` from now. */
  due(ms: number, change: Partial<FenceRow> = {}): FenceRow {
    return this.row({ status: 'running', dueIn: ms, ...change });
  }

  message(change: Partial<Envelope> = {}): OutboxMessage {
    const sagaId = change.sagaId ?? randomUUID();
    const event: Envelope = {
      ...this.row({ sagaId }).headers,
      id: '',
      type: 'stock.reserved',
      source: '/stock',
      time: '2026-03-01T10:20:30.456Z',
      step: 'reserve',
      outcome: 'done',
      data: { quantity: 2 },
      ...change,
    };
    return { id: v7(), event: { ...event, id: change.id ?? messageId(sagaId, event.step, event.outcome) } };
  }

  messages(count: number): readonly OutboxMessage[] {
    return Array.from({ length: count }, () => this.message());
  }

  /** Saves in a transaction of its own; answers the row as it is then. */
  async saved(row: FenceRow): Promise<FenceRow> {
    await this.save({ rows: [row] });
    return { ...row, version: row.version + 1 };
  }

  save(changes: Partial<Changes>, store = this.store): Promise<void> {
    return store.transaction([], (transaction) => transaction.save({ ...none, ...changes }));
  }

  async staged(count: number): Promise<readonly OutboxMessage[]> {
    const staged = this.messages(count);
    await this.save({ staged });
    return staged;
  }

  /** Everything that waits in the outbox, oldest first; it stays there. */
  async waiting(): Promise<readonly OutboxMessage[]> {
    let waiting: readonly OutboxMessage[] = [];
    await this.store.outbox.sweep(1_000, 0, async (messages) => {
      waiting = messages;
      return [];
    });
    return waiting;
  }

  async find(row: FenceRow): Promise<FenceRow | undefined> {
    return (await this.store.find(row.sagaId)).find(({ step }) => step === row.step);
  }

  /** Locks a row and holds it, until told to go on; `saved` then raises its version. */
  hold(row: FenceRow, store = this.store): Held {
    const entered = signal();
    const leave = signal();
    const done = store.transaction([row], async (transaction) => {
      entered.give();
      await leave.given;
      await save(transaction);
    });
    return { entered: entered.given, release: () => (leave.give(), done) };
  }

  /** Longer than any store needs to do what nothing keeps it from: for what must not happen. */
  quiet(): Promise<void> {
    return sleep(100);
  }
}

interface Held {
  readonly entered: Promise<void>;
  /** Saves the row and resolves when the transaction is over. */
  release(): Promise<void>;
}

function save(transaction: StepTransaction): Promise<void> {
  return transaction.save({ ...none, rows: transaction.rows });
}

/** Something that one party waits for and another gives. */
export function signal(): { readonly given: Promise<void>; give(): void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give: () => give() };
}

export function ids(messages: readonly OutboxMessage[]): readonly string[] {
  return messages.map(({ id }) => id);
}
