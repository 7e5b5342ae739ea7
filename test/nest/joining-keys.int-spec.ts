import { AsyncResource } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { signal } from '../../libs/saga/src/testing/store-contract-scene.js';
import { freshDatabase } from '../support/database.js';
import { Checkout, Confirmed, note, opened, wentOn, type Client, type Shop } from './joining-sagas.js';
import { eventually } from './scene.js';

let url: string;
beforeEach(async () => {
  url = await freshDatabase();
});

const open = (client: Client = {}): Promise<Shop> => opened(url, client);

describe('with a key', () => {
  test('a second start in the same transaction finds the first', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      const first = await shop.sagas.start(Checkout, { cart: 'c1' }, { manager, key: 'k' });
      const again = await shop.sagas.start(Checkout, { cart: 'c1' }, { manager, key: 'k' });
      expect([first.existing, again]).toEqual([false, { ...first, existing: true }]);
      expect(first.sagaId).toBe(shop.sagas.idOf(Checkout, 'k'));
    });
    expect((await shop.notes()).filter((text) => text === 'ordered c1')).toHaveLength(1);
  });

  test('in READ COMMITTED, one in another transaction waits and finds the first', async () => {
    const shop = await open();
    const ids: string[] = [];
    const start = (pause: number): Promise<boolean> =>
      shop.dataSource.transaction('READ COMMITTED', async (manager) => {
        await sleep(pause / 2);
        const { existing, sagaId } = await shop.sagas.start(Checkout, { cart: 'c1' }, { manager, key: 'k' });
        ids.push(sagaId);
        await sleep(100);
        return existing;
      });
    expect(await Promise.all([start(0), start(100)])).toEqual([false, true]);
    expect(new Set(ids).size).toBe(1);
  });

  test.each(['REPEATABLE READ', 'SERIALIZABLE'] as const)(
    'in %s, one in another transaction is a conflict that says what to do, and that transaction can still be used',
    async (isolation) => {
      const shop = await open();
      const [begun, seen] = [signal(), signal()];
      const first = shop.dataSource.transaction(async (manager) => {
        await shop.sagas.start(Checkout, { cart: 'c1' }, { manager, key: 'k' });
        begun.give();
        await seen.given;
        await sleep(50);
      });
      await begun.given;
      const second = shop.dataSource.transaction(isolation, async (manager) => {
        await note(manager, 'second');
        seen.give();
        const error: unknown = await shop.sagas
          .start(Checkout, { cart: 'c1' }, { manager, key: 'k' })
          .catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'CONFLICT', facts: { retriable: true } });
        await note(manager, 'third');
      });
      await first;
      await second;
      expect(await shop.notes()).toEqual(expect.arrayContaining(['ordered c1', 'second', 'third']));
    },
  );
});

describe('a signal and a request to abort that join a transaction', () => {
  async function waiting(shop: Shop): Promise<string> {
    const { sagaId } = await shop.sagas.start(Checkout, { cart: 'c1' });
    await eventually(async () => expect(await shop.notes()).toContain(wentOn));
    return sagaId;
  }

  test('a signal is accepted with the commit, and withdrawn with a rollback', async () => {
    const shop = await open();
    const sagaId = await waiting(shop);
    const confirm = (end: () => void): Promise<unknown> =>
      shop.dataSource.transaction(async (manager) => {
        const event = new Confirmed({ cart: 'c1' });
        const answer = await shop.sagas.signal(sagaId, Checkout.steps.confirm, event, { manager });
        expect(answer).toEqual({ accepted: true, existing: false });
        end();
      });
    await expect(
      confirm(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await confirm(() => undefined);
    expect(await shop.sagas.signal(sagaId, Checkout.steps.confirm, new Confirmed({ cart: 'c1' }))).toEqual({
      accepted: true,
      existing: true,
    });
  });

  test('a signal of a saga that is not there is told, and the transaction goes on', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      const sagaId = shop.sagas.idOf(Checkout, 'never started');
      const answer = await shop.sagas.signal(sagaId, Checkout.steps.confirm, new Confirmed({ cart: 'c1' }), {
        manager,
      });
      expect(answer).toEqual({ accepted: false, because: 'notWaiting', why: 'sagaUnknown' });
      await note(manager, 'after');
    });
    expect(await shop.notes()).toEqual(['after']);
  });

  test('a signal of a saga that the same transaction has started is told that the step has not begun', async () => {
    const shop = await open();
    await shop.dataSource.transaction(async (manager) => {
      const { sagaId } = await shop.sagas.start(Checkout, { cart: 'c1' }, { manager });
      const confirmed = new Confirmed({ cart: 'c1' });
      const answer = await shop.sagas.signal(sagaId, Checkout.steps.confirm, confirmed, { manager });
      expect(answer).toEqual({ accepted: false, because: 'notWaiting', why: 'notBegun' });
    });
  });

  test('an abort is asked for with the commit, on the one connection, and not after a rollback', async () => {
    const shop = await open({ poolSize: 5 });
    const sagaId = await waiting(shop);
    const abort = (end: () => void): Promise<unknown> =>
      shop.dataSource.transaction(async (manager) => {
        expect(await shop.sagas.requestAbort(sagaId, 'changed my mind', { manager })).toBe('requested');
        end();
      });
    await expect(
      abort(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await sleep(50);
    expect(await shop.notes()).not.toContain('cancelled c1');
    await abort(() => undefined);
    await eventually(async () => expect(await shop.notes()).toContain('cancelled c1'));
  });
});

test('a caller who keeps rows of sagas locked holds up these sagas, and no lane', async () => {
  const shop = await opened(url, {}, { lanes: 1 });
  const held = await Promise.all(['c1', 'c2', 'c3', 'c4', 'c5'].map((cart) => shop.sagas.start(Checkout, { cart })));
  await eventually(async () => expect((await shop.notes()).filter((text) => text === wentOn)).toHaveLength(5));
  const signalOf = (sagaId: string, options = {}): Promise<unknown> =>
    shop.sagas.signal(sagaId, Checkout.steps.confirm, new Confirmed({ cart: 'c1' }), options);
  let waiting: Promise<unknown> | undefined;
  const apart = new AsyncResource('other requests');
  await shop.dataSource.transaction(async (manager) => {
    for (const { sagaId } of held) await signalOf(sagaId, { manager });
    await apart.runInAsyncScope(async () => {
      waiting = Promise.all(held.map(({ sagaId }) => signalOf(sagaId)));
      await sleep(50);
      for (const cart of ['o1', 'o2', 'o3']) await shop.sagas.start(Checkout, { cart });
    });
  });
  expect(await waiting).toEqual(held.map(() => ({ accepted: true, existing: true })));
});
