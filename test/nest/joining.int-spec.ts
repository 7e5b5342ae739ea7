import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { Checkout, CheckoutSteps, Mail, Shop, note, nothing, opened, wentOn, type Client } from './joining-sagas.js';
import { LogLines } from './log-lines.js';
import { eventually } from './scene.js';

let url: string;
beforeEach(async () => {
  url = await freshDatabase();
});

const open = (client: Client = {}): Promise<Shop> => opened(url, client);

describe('a start that joins a transaction', () => {
  test('is committed with the rows of its caller, and goes on right after that commit', async () => {
    const shop = await open();
    const started = await shop.dataSource.transaction(async (manager) => {
      await note(manager, 'paid');
      const answer = await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
      await sleep(50);
      expect(await shop.notes()).toEqual([]);
      expect(await shop.rows()).toEqual(nothing);
      return answer;
    });
    expect(started).toMatchObject({ step: 'done', existing: false, event: { cart: 'c1' } });
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered c1', 'paid']));
  });

  test('is rolled back with it: nothing is left, and nothing is published', async () => {
    const shop = await open();
    const checkout = shop.dataSource.transaction(async (manager) => {
      await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
      throw new Error('no money');
    });
    await expect(checkout).rejects.toThrow('no money');
    await sleep(50);
    expect([await shop.notes(), await shop.rows()]).toEqual([[], nothing]);
  });

  test('needs no connection but the caller’s, of which there may be as many as the pool has', async () => {
    const shop = await open({ poolSize: 5 });
    const carts = ['c1', 'c2', 'c3', 'c4', 'c5'];
    let inside = 0;
    await Promise.all(
      carts.map((cart) =>
        shop.dataSource.transaction(async (manager) => {
          await note(manager, cart);
          inside += 1;
          while (inside < carts.length) await sleep(5);
          await shop.sagas.start(Checkout, { cart }, { manager });
        }),
      ),
    );
    await eventually(async () => expect(await shop.notes()).toHaveLength(15));
  });

  test('writes the rows that its caller has locked', async () => {
    const shop = await open();
    shop.steps.besides = () => shop.dataSource.getRepository(Note).update({ text: 'cart' }, { text: 'cart, ordered' });
    await shop.dataSource.getRepository(Note).insert({ text: 'cart' });
    await shop.dataSource.transaction(async (manager) => {
      await manager.update(Note, { text: 'cart' }, { text: 'cart' });
      await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
    });
    expect(await shop.notes()).toContain('cart, ordered');
  });

  test('that throws leaves the transaction as it was, and nothing of its own', async () => {
    const shop = await open();
    shop.steps.besides = () => shop.dataSource.query('SELECT 1/0');
    await shop.dataSource.transaction(async (manager) => {
      await note(manager, 'before');
      await expect(shop.sagas.start(Checkout, { cart: 'c1' }, { manager })).rejects.toThrow('division by zero');
      await note(manager, 'after');
    });
    expect([await shop.notes(), await shop.rows()]).toEqual([['after', 'before'], nothing]);
  });

  test('takes the runner of a transaction too, and is not done twice by one that has several', async () => {
    const shop = await open();
    const runner = shop.dataSource.createQueryRunner();
    for (const cart of ['c1', 'c2']) {
      await runner.startTransaction();
      await shop.sagas.start(Checkout, { cart }, { manager: runner });
      await runner.commitTransaction();
    }
    await runner.release();
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, wentOn, 'ordered c1', 'ordered c2']));
  });

  test('of two sagas at once is committed with both', async () => {
    const shop = await open();
    await shop.dataSource.transaction((manager) =>
      Promise.all(['c1', 'c2', 'c3'].map((cart) => shop.sagas.start(Checkout, { cart }, { manager }))),
    );
    await eventually(async () => expect(await shop.notes()).toHaveLength(6));
  });

  test('of two sagas of which one throws is committed with the other', async () => {
    const shop = await open();
    shop.steps.besides = async ({ correlationId }) => {
      if (correlationId === 'bad') throw new Error('sold out');
    };
    await shop.dataSource.transaction((manager) =>
      Promise.allSettled(
        ['bad', 'good'].map((id) => shop.sagas.start(Checkout, { cart: id }, { manager, correlationId: id })),
      ),
    );
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered good']));
  });

  test('that works outside begins to work after the commit, and never when that does not come', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      const { step } = await shop.sagas.start(Mail, { cart: 'c1' }, { manager });
      await sleep(50);
      expect([step, shop.steps.posted]).toEqual(['running', []]);
    });
    await eventually(() => expect(shop.steps.posted).toEqual(['c1']));
    await shop.dataSource
      .transaction(async (manager) => {
        await shop.sagas.start(Mail, { cart: 'c2' }, { manager });
        throw new Error('no money');
      })
      .catch(() => undefined);
    await sleep(50);
    expect(shop.steps.posted).toEqual(['c1']);
  });
});

test('what the caller set in his transaction does not keep a saga from being written, and holds for the step', async () => {
  const shop = await open();
  await shop.dataSource.query('CREATE SCHEMA tenant');
  const role = `tenant_${url.slice(-12)}`;
  await shop.dataSource.query(`CREATE ROLE ${role}`);
  await shop.dataSource.query(`GRANT USAGE ON SCHEMA public TO ${role}; GRANT ALL ON note, note_id_seq TO ${role}`);
  let seen: unknown;
  shop.steps.besides = async () => (seen = await shop.dataSource.query('SELECT current_user AS role'));
  await shop.dataSource.transaction(async (manager) => {
    await manager.query(`SET LOCAL ROLE ${role}`);
    await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
    expect(await manager.query('SELECT current_user AS role')).toEqual([{ role }]);
  });
  expect(seen).toEqual([{ role }]);
  await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered c1']));
  await shop.dataSource.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

test('nothing is logged or counted of a start that was rolled back', async () => {
  const log = new LogLines();
  const app = await startedOn(url, { providers: [CheckoutSteps], log });
  const shop = new Shop(app);
  const before = [...log.lines];
  await shop.dataSource
    .transaction(async (manager) => {
      await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
      throw new Error('no');
    })
    .catch(() => undefined);
  expect(log.lines).toEqual(before);
});
