import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EntityManager } from 'typeorm';
import { boom, DoorScene, Item } from './doors-scene.js';

let scene: DoorScene;

beforeAll(async () => void (scene = await DoorScene.open()));
afterAll(() => scene.close());
beforeEach(() => scene.emptied());

describe('a query runner made in a step', () => {
  it('rolls back what it began, and nothing else', async () => {
    await scene.step(async () => {
      await scene.early.insert({ id: 'before' });
      await scene.byHand(async (runner) => {
        await runner.startTransaction();
        await runner.manager.insert(Item, { id: 'inside' });
        await runner.rollbackTransaction();
        expect(runner.isTransactionActive).toBe(false);
      });
      await scene.early.insert({ id: 'after' });
    });
    expect(await scene.items()).toEqual(['after', 'before']);
  });

  it('may be disposed of by its block', async () => {
    await scene.step(async () => {
      await using runner = scene.dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.manager.insert(Item, { id: 'one' });
    });
    expect(await scene.items()).toEqual(['one']);
  });

  it('cannot ask for more isolation than the step has', async () => {
    const asked = scene.step(() =>
      scene.dataSource.transaction('SERIALIZABLE', (manager) => manager.insert(Item, { id: 'one' })),
    );
    await expect(asked).rejects.toMatchObject({ code: 'ISOLATION_OF_THE_STEP' });
    await scene.step(() =>
      scene.dataSource.transaction('READ COMMITTED', (manager) => manager.insert(Item, { id: 'one' })),
    );
    expect(await scene.items()).toEqual(['one']);
  });
});

/** A transaction inside a step, in the two ways in which it is written. */
const transactions: Record<string, (work: (manager: EntityManager) => Promise<unknown>) => Promise<unknown>> = {
  'dataSource.transaction': (work) => scene.dataSource.transaction(work),
  'a query runner made by hand': (work) =>
    scene.byHand(async (runner) => {
      await runner.startTransaction();
      try {
        await work(runner.manager);
        await runner.commitTransaction();
      } catch (error) {
        await runner.rollbackTransaction();
        throw error;
      }
    }),
};

describe.each(Object.entries(transactions))('transactions inside a step, with %s', (_, transaction) => {
  it('run side by side, and each is rolled back alone', async () => {
    await scene.step(() =>
      Promise.allSettled(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((id) =>
          transaction(async (manager) => {
            await manager.insert(Item, { id: `${id}1` });
            await manager.insert(Item, { id: `${id}2` });
            if (id === 'b' || id === 'e') await boom();
          }),
        ),
      ),
    );
    expect(await scene.items()).toEqual(['a1', 'a2', 'c1', 'c2', 'd1', 'd2', 'f1', 'f2']);
  });

  it('leave alone what is written beside them', async () => {
    await scene.step(() =>
      Promise.allSettled([
        transaction(async (manager) => {
          await manager.insert(Item, { id: 'inside' });
          await manager.insert(Item, { id: 'inside too' });
          await boom();
        }),
        scene.early.insert({ id: 'beside' }),
      ]),
    );
    expect(await scene.items()).toEqual(['beside']);
  });

  it('stand in each other, and what is inside goes with what is around it', async () => {
    await scene.step(async () => {
      await transaction(async (around) => {
        await around.insert(Item, { id: 'around' });
        await transaction((inside) => inside.insert(Item, { id: 'inside' }));
      });
      await scene.early.insert({ id: 'after' });
    });
    expect(await scene.items()).toEqual(['after', 'around', 'inside']);
  });

  it('that cannot be told apart fail the step when one is rolled back, whatever its method makes of it', async () => {
    const overlapping = scene.step(async () => {
      const other = transaction(async (manager) => {
        await manager.insert(Item, { id: 'one' });
        await sleep(60);
        await boom();
      });
      await sleep(20);
      await transaction((manager) => manager.insert(Item, { id: 'two' }));
      await other.catch(() => undefined);
    });
    await expect(overlapping).rejects.toMatchObject({ code: 'TRANSACTIONS_OVERLAP' });
    expect(await scene.items()).toEqual([]);
  });
});
