import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { businessStoreContract, storeContract } from '../../libs/saga/src/testing/store-contract.js';
import { PostgresScene } from './postgres-scene.js';

describe('the store in Postgres', () => {
  let scene: PostgresScene;
  beforeAll(async () => void (scene = await PostgresScene.open()));
  afterAll(() => scene.close());

  it.each(storeContract)('$title', async ({ run }) => {
    await expect(run(await scene.emptied())).resolves.toBeUndefined();
  });

  it.each(businessStoreContract)('$title', async ({ run }) => {
    await expect(run(await scene.emptied())).resolves.toBeUndefined();
  });
});
