import type { MemoryStore } from '../../../libs/saga/src/adapters/memory/memory-store.js';
import type { FenceKey, FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import {
  FenceConflict,
  StoreFailure,
  TransactionLost,
  type Outbox,
  type StepStore,
  type StepTransaction,
} from '../../../libs/saga/src/ports/step-store.js';

/** What a method writes through `saga.manager`: committed with its transaction, or not at all. */
export type Effects = string[];

/** The store in memory with business data beside it, and with a switch. */
export class EffectStore implements StepStore {
  readonly effects: Effects = [];
  /** How many transactions were committed. */
  commits = 0;
  /** How many keys each transaction was opened with. */
  readonly opened: number[] = [];
  /** Throws to say that the database is away, at this moment of a transaction. */
  trouble: (moment: 'begin' | 'commit' | 'committed') => void = () => undefined;

  constructor(readonly inner: MemoryStore) {}

  async transaction<T>(keys: readonly FenceKey[], work: (transaction: StepTransaction) => Promise<T>): Promise<T> {
    this.fail('begin');
    this.opened.push(keys.length);
    const effects: Effects = [];
    const result = await this.inner.transaction(keys, async (transaction) => {
      const answer = await work({ ...transaction, manager: effects });
      this.fail('commit');
      return answer;
    });
    this.effects.push(...effects);
    this.commits += 1;
    this.fail('committed');
    return result;
  }

  private fail(moment: 'begin' | 'commit' | 'committed'): void {
    try {
      this.trouble(moment);
    } catch (cause) {
      if (cause instanceof FenceConflict || cause instanceof TransactionLost) throw cause;
      const outcome = moment === 'committed' ? 'unknown' : 'rolledBack';
      throw new StoreFailure(moment === 'begin' ? 'begin' : 'commit', { cause, outcome });
    }
  }

  claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]> {
    return this.inner.claimDue(limit, leaseMs);
  }

  nextDue(): Promise<number | undefined> {
    return this.inner.nextDue();
  }

  savedAt(key: FenceKey): Promise<Date | undefined> {
    return this.inner.savedAt(key);
  }

  find(sagaId: string): Promise<readonly FenceRow[]> {
    return this.inner.find(sagaId);
  }

  get timers(): StepStore['timers'] {
    return this.inner.timers;
  }

  get outbox(): Outbox {
    return this.inner.outbox;
  }

  get deadLetters(): StepStore['deadLetters'] {
    return this.inner.deadLetters;
  }

  get audit(): StepStore['audit'] {
    return this.inner.audit;
  }

  get retention(): StepStore['retention'] {
    return this.inner.retention;
  }
}
