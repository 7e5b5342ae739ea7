import type { Run } from '../protocol/step-state.js';
import { OwnTransactionNeeded, TransactionLost, type StepTransaction } from '../ports/step-store.js';
import type { Delivery } from './delivery.js';
import { OwnTransactions } from './own-transactions.js';

/** Calls methods in transactions, and knows of whom a method was called when one is lost. Never two transactions at once are of the same saga. */
export class MethodCalls {
  readonly own = new OwnTransactions();
  private readonly called = new Set<string>();
  private readonly lost = new Map<string, TransactionLost>();

  /** A transaction of these begins. */
  begin(batch: readonly Delivery[]): void {
    for (const { sagaId } of batch) this.called.delete(sagaId);
  }

  /** A method that changes more of its transaction than rows has one of its own from then on; one whose transaction was lost is not called again. */
  async run<T>(
    { bound, sagaId }: Delivery,
    run: Run,
    transaction: StepTransaction,
    method: () => Promise<T>,
  ): Promise<T> {
    this.called.add(sagaId);
    const lost = this.lost.get(sagaId);
    if (lost) throw lost;
    try {
      return await transaction.run(method, { changesSettings: this.own.isDeclared(bound, run) });
    } catch (error) {
      if (error instanceof OwnTransactionNeeded) this.own.note(bound, run);
      throw error;
    }
  }

  /** What a method wrote is lost sight of: until that is recorded, the method is not called again. Of whom none was called, nothing is lost. */
  lose({ sagaId }: Delivery, error: unknown): TransactionLost | undefined {
    if (!(error instanceof TransactionLost) || !this.called.has(sagaId)) return undefined;
    this.lost.set(sagaId, error);
    return error;
  }

  recorded({ sagaId }: Delivery): void {
    this.lost.delete(sagaId);
  }
}
