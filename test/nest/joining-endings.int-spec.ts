import { EventBus } from '@nestjs/cqrs';
import { inMemory } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import {
  CartLeft,
  Checkout,
  CheckoutSteps,
  Mail,
  Shop,
  nothing,
  opened,
  wentOn,
  type Client,
} from './joining-sagas.js';
import { eventually } from './scene.js';

let url: string;
beforeEach(async () => {
  url = await freshDatabase();
});

const open = (client: Client = {}): Promise<Shop> => opened(url, client);

describe('what became of a joined transaction is seen in the tables', () => {
  test('a savepoint that was rolled back takes its start along, and not that of the outer transaction', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (outer) => {
      await shop.sagas.start(Checkout, { cart: 'outer' }, { manager: outer });
      await outer
        .transaction(async (inner) => {
          await shop.sagas.start(Checkout, { cart: 'inner' }, { manager: inner });
          throw new Error('no');
        })
        .catch(() => undefined);
    });
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered outer']));
    await sleep(50);
    expect(await shop.notes()).toEqual([wentOn, 'ordered outer']);
  });

  test('a savepoint that was released is not the commit yet', async () => {
    const shop = await open();
    const checkout = shop.dataSource.transaction(async (outer) => {
      await outer.transaction((inner) => shop.sagas.start(Mail, { cart: 'c1' }, { manager: inner }));
      await sleep(50);
      throw new Error('no money');
    });
    await expect(checkout).rejects.toThrow('no money');
    await sleep(50);
    expect([shop.steps.posted, await shop.rows()]).toEqual([[], nothing]);
  });

  test('a saga that was begun again with its key after its savepoint was rolled back goes on once, as it was begun last', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (outer) => {
      await outer
        .transaction(async (inner) => {
          await shop.sagas.start(Checkout, { cart: 'first' }, { manager: inner, key: 'k' });
          throw new Error('no');
        })
        .catch(() => undefined);
      const again = await shop.sagas.start(Checkout, { cart: 'second' }, { manager: outer, key: 'k' });
      expect(again.existing).toBe(false);
    });
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered second']));
  });

  test('a COMMIT in SQL is found', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
      await manager.query('COMMIT');
    });
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered c1']));
  });

  test('so is a ROLLBACK in SQL', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      await shop.sagas.start(Mail, { cart: 'c1' }, { manager });
      await manager.query('ROLLBACK');
    });
    await sleep(50);
    expect([shop.steps.posted, await shop.rows()]).toEqual([[], nothing]);
  });

  test('a COMMIT in SQL, after which the runner is only released, is found', async () => {
    const shop = await open();
    const runner = shop.dataSource.createQueryRunner();
    await runner.startTransaction();
    await shop.sagas.start(Checkout, { cart: 'c1' }, { manager: runner });
    await runner.query('COMMIT');
    await runner.release();
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered c1']));
  });

  test('a commit that Postgres turns into a rollback publishes nothing', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
      await manager.query('SELECT 1/0').catch(() => undefined);
    });
    await sleep(50);
    expect([await shop.notes(), await shop.rows()]).toEqual([[], nothing]);
  });

  test('a process that dies right after the commit has its events published by another', async () => {
    const transport = inMemory();
    const saga = { transport };
    const dying = new Shop(await startedOn(url, { providers: [CheckoutSteps], saga }));
    const runner = dying.dataSource.createQueryRunner();
    const client = (await runner.connect()) as { query(text: string): Promise<unknown> };
    await runner.startTransaction();
    await dying.sagas.start(Checkout, { cart: 'c1' }, { manager: runner });
    await client.query('COMMIT'); // and nobody ever looks at this runner again
    const other = new Shop(
      await startedOn(url, { providers: [CheckoutSteps], saga: { transport, settings: { sweepEvery: 100 } } }),
    );
    await eventually(async () => expect(await other.notes()).toEqual([wentOn, 'ordered c1']));
  });

  test('subscribers of the DataSource hear their own commit, and one that fails after it holds nothing up', async () => {
    const shop = await open();
    let heard = 0;
    shop.dataSource.subscribers.push({
      afterTransactionCommit: () => {
        heard += 1;
        throw new Error('a subscriber failed');
      },
    });
    const checkout = shop.dataSource.transaction(async (manager) => {
      await shop.sagas.start(Mail, { cart: 'c1' }, { manager });
      expect(heard).toBe(0);
    });
    await checkout.catch(() => undefined);
    await eventually(() => expect(shop.steps.posted).toEqual(['c1']));
    expect(heard).toBeGreaterThan(0);
  });
});

test('an event on the local bus, published in a transaction, starts its saga after the commit, and none after a rollback', async () => {
  const shop = await open();
  const leave = (cart: string, end: () => void): Promise<void> =>
    shop.dataSource.transaction(async () => {
      shop.app.get(EventBus).publish(new CartLeft({ cart }));
      await sleep(50);
      expect(await shop.notes()).toEqual([]);
      end();
    });
  const failing = leave('c1', () => {
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await leave('c2', () => undefined);
  await eventually(async () => expect(await shop.notes()).toEqual(['reminded of c2']));
});
