import type { FenceKey } from '../ports/fence-row.js';
import type { OutboxMessage, StepStore, StepTransaction, TransactionLost } from '../ports/step-store.js';
import { mayHaveRow, type Delivery, type Settled } from './delivery.js';
import { keyOf, Ledger } from './ledger.js';
import { isLinked, linkedKeys } from './nested/nested.js';
import { operationsOf } from './operate/letters.js';
import type { Participant } from './participant.js';

/** Members that are settled one by one. */
export interface Alone {
  readonly alone: readonly Delivery[];
  /** They were together in a transaction that was lost. */
  readonly lost?: TransactionLost;
}

/** What is done with a batch in its transaction. */
export type Work = (transaction: StepTransaction, ledger: Ledger) => Promise<readonly Settled[]>;

/** What became of a batch, and the messages that its transaction staged. */
export interface Written {
  readonly members: readonly Settled[];
  readonly staged: readonly OutboxMessage[];
}

/** Works in one transaction on the rows of a batch, and saves all that follows from it. */
export function write(
  participant: Participant,
  store: Pick<StepStore, 'transaction'>,
  { batch, published }: { readonly batch: readonly Delivery[]; readonly published: readonly string[] },
  work: Work,
): Promise<Written> {
  const saved = async (transaction: StepTransaction): Promise<Written> => {
    const ledger = new Ledger(transaction.rows);
    const members = await work(transaction, ledger);
    const staged = members.flatMap(({ emitted }) =>
      emitted.map((event) => ({ id: participant.chance.newId(), event })),
    );
    const operations = operationsOf(members);
    await transaction.save({ rows: ledger.changed(), staged, published, ...operations, ...ledger.timers() });
    return { members, staged };
  };
  return store.transaction(keysOf(participant, batch), saved, { isShared: batch.length > 1 });
}

function keysOf(participant: Participant, batch: readonly Delivery[]): readonly FenceKey[] {
  return batch
    .filter(mayHaveRow)
    .flatMap((delivery) =>
      isLinked(delivery) ? [keyOf(delivery), ...linkedKeys(participant, delivery)] : keyOf(delivery),
    );
}
