import { describe, expect, it } from 'vitest';
import { storeContract, type StoreHarness } from '../../testing/store-contract.js';
import { MemoryStore } from './memory-store.js';

function emptyStore(): StoreHarness {
  let time = Date.parse('2026-03-01T00:00:00Z');
  const now = (): Date => new Date(time);
  const store = new MemoryStore({ now });
  return {
    stores: [store, store],
    now,
    elapse: async (ms) => void (time += ms),
    failNext: (fault) => store.failNext(fault),
  };
}

describe('the store in memory', () => {
  it.each(storeContract)('$title', async ({ run }) => {
    await expect(run(emptyStore())).resolves.toBeUndefined();
  });
});
