export { MemoryStore } from '../adapters/memory/memory-store.js';
export { businessStoreContract, storeContract } from './store-contract.js';
export type { BusinessStoreHarness, StoreContractCase, StoreHarness } from './store-contract.js';
export { transportContract } from './transport-contract.js';
export type { TransportContractCase, TransportHarness } from './transport-contract.js';
