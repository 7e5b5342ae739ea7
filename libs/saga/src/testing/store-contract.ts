import { businessFacts } from './store-contract-business.js';
import { dueFacts } from './store-contract-due.js';
import { failureFacts } from './store-contract-failures.js';
import { fieldFacts } from './store-contract-fields.js';
import { operationFacts } from './store-contract-operations.js';
import { outboxFacts } from './store-contract-outbox.js';
import { retentionFacts } from './store-contract-retention.js';
import { Scene, type BusinessStoreHarness, type StoreFact, type StoreHarness } from './store-contract-scene.js';
import { timerFacts } from './store-contract-timers.js';
import { transactionFacts } from './store-contract-transactions.js';

export type { BusinessStoreHarness, StoreHarness } from './store-contract-scene.js';

export interface StoreContractCase<Harness extends StoreHarness = StoreHarness> {
  readonly title: string;
  /** Rejects when the adapter breaks the contract. The harness brings an empty store. */
  run(harness: Harness): Promise<void>;
}

/**
 * What every store promises: the guarantees of the `StepStore` and `Outbox` ports and nothing else. Runs under any test runner:
 *
 *     it.each(storeContract)('$title', async ({ run }) => run(await emptyStore()));
 */
export const storeContract: readonly StoreContractCase[] = cases([
  ...transactionFacts,
  ...failureFacts,
  ...fieldFacts,
  ...dueFacts,
  ...timerFacts,
  ...outboxFacts,
  ...operationFacts,
  ...retentionFacts,
]);

/** What a store promises besides when it holds the business data too. */
export const businessStoreContract: readonly StoreContractCase<BusinessStoreHarness>[] = cases(businessFacts);

function cases<Harness extends StoreHarness>(
  facts: readonly StoreFact<Harness>[],
): readonly StoreContractCase<Harness>[] {
  return facts.map(({ title, body }) => ({ title, run: (harness) => body(new Scene(harness)) }));
}
