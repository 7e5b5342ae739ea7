import { deliveryFacts } from './transport-contract-delivery.js';
import { lifecycleFacts } from './transport-contract-lifecycle.js';
import { Scene, type TransportHarness } from './transport-contract-scene.js';

export type { TransportHarness } from './transport-contract-scene.js';

export interface TransportContractCase {
  readonly title: string;
  /** Rejects when the adapter breaks the contract. */
  run(harness: TransportHarness): Promise<void>;
}

/**
 * What every transport promises: the guarantee of the `Transport` port and nothing else. Runs under any test runner:
 *
 *     for (const { title, run } of transportContract) it(title, () => run({ factory: inMemory() }));
 */
export const transportContract: readonly TransportContractCase[] = [...deliveryFacts, ...lifecycleFacts].map(
  ({ title, body }) => ({
    title,
    run: async (harness) => {
      const scene = new Scene(harness);
      try {
        await body(scene);
      } finally {
        await scene.end();
      }
    },
  }),
);
