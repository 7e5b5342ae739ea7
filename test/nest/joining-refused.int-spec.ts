import { Sagas, SagaStep, type StartOptions } from 'nest-saga';
import { Injectable } from '@nestjs/common';
import { AsyncResource } from 'node:async_hooks';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { Checkout, CheckoutSteps, Confirmed, Shop, note } from './joining-sagas.js';
import { Payment, PaymentDone } from './order-saga.js';
import { started } from './scene.js';

let shop: Shop;
let url: string;
beforeEach(async () => {
  url = await freshDatabase();
  shop = new Shop(await startedOn(url, { providers: [CheckoutSteps] }));
});

const start = (manager: StartOptions['manager']): Promise<unknown> =>
  shop.sagas.start(Checkout, { cart: 'c1' }, { ...(manager !== undefined && { manager }) });

const nothing = { rows: 0, events: 0 };

describe('a manager that cannot be joined is refused with a sentence', () => {
  test.each([
    ['that of the DataSource', () => shop.dataSource.manager, 'has no transaction'],
    ['a runner without a transaction', () => shop.dataSource.createQueryRunner(), 'has no open transaction'],
    ['the DataSource itself', () => shop.dataSource as never, 'is neither an EntityManager nor a QueryRunner'],
    ['null', () => null as never, 'is neither an EntityManager nor a QueryRunner'],
  ])('%s', async (_what, manager: () => EntityManager | QueryRunner, reason) => {
    await expect(start(manager())).rejects.toMatchObject({
      code: 'INVALID_MANAGER',
      message: expect.stringContaining(`The manager that was given ${reason}`) as string,
    });
  });

  test('one whose transaction is over', async () => {
    let kept: EntityManager | undefined;
    await shop.dataSource.transaction(async (manager) => void (kept = manager));
    await expect(start(kept)).rejects.toThrow('The manager that was given is released');
  });

  test('one of another DataSource', async () => {
    const other = await new DataSource({ type: 'postgres', url }).initialize();
    await other.transaction((manager) =>
      expect(start(manager)).rejects.toThrow('The manager that was given is of another DataSource'),
    );
    await other.destroy();
  });

  test('one whose transaction was ended in SQL', async () => {
    await shop.dataSource.transaction(async (manager) => {
      await manager.query('COMMIT');
      await expect(start(manager)).rejects.toThrow(
        'The manager that was given is of a transaction that was ended in SQL',
      );
    });
  });

  test('one whose transaction has failed', async () => {
    const checkout = shop.dataSource.transaction(async (manager) => {
      await manager.query('SELECT 1/0').catch(() => undefined);
      await start(manager);
    });
    await expect(checkout).rejects.toThrow('The manager that was given is of a transaction that has failed');
  });

  test('one whose transaction may only read', async () => {
    await shop.dataSource.transaction(async (manager) => {
      await manager.query('SET TRANSACTION READ ONLY');
      await expect(start(manager)).rejects.toThrow('The manager that was given is of a READ ONLY transaction');
      expect(await manager.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });

  test('that of a step, in the step and after it', async () => {
    let kept: EntityManager | undefined;
    const inside: Promise<unknown>[] = [];
    shop.steps.besides = async ({ manager }) => {
      kept = manager;
      inside.push(shop.sagas.start(Checkout, { cart: 'c2' }, { manager }));
      inside.push(shop.sagas.requestAbort(shop.sagas.idOf(Checkout, 'k'), 'no', { manager }));
      await Promise.allSettled(inside);
    };
    await start(undefined);
    await expect(inside[0]).rejects.toMatchObject({ code: 'START_INSIDE_STEP' });
    await expect(inside[1]).rejects.toMatchObject({ code: 'ABORT_INSIDE_STEP' });
    await expect(start(kept)).rejects.toMatchObject({ code: 'INVALID_MANAGER' });
    expect(await shop.notes()).not.toContain('ordered c2');
  });

  test('any, where the sagas are kept in memory', async () => {
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const app = await started({ providers: [Steps] });
    await shop.dataSource.transaction((manager) =>
      expect(app.get(Sagas).start(Payment, {}, { manager })).rejects.toThrow(
        'Service "shop" keeps its sagas in a store without transactions that can be joined; leave the manager out, or keep them in Postgres.',
      ),
    );
  });
});

describe('inside a transaction that is not joined', () => {
  const ways: [string, (work: (manager: EntityManager) => Promise<unknown>) => Promise<unknown>][] = [
    ['dataSource.transaction', (work) => shop.dataSource.transaction(work)],
    ['a transaction with an isolation level', (work) => shop.dataSource.transaction('SERIALIZABLE', work)],
    ['manager.transaction', (work) => shop.dataSource.manager.transaction(work)],
    ['a transaction inside another', (work) => shop.dataSource.transaction((outer) => outer.transaction(work))],
    [
      'that of the manager of a runner',
      async (work) => {
        const runner = shop.dataSource.createQueryRunner();
        await runner.manager.transaction(work);
        await runner.release();
      },
    ],
  ];

  test.each(ways)(
    '%s: a start, a signal and an abort are refused at once, and the caller’s own rows stay',
    async (_way, inside) => {
      const sagaId = shop.sagas.idOf(Checkout, 'k');
      await inside(async (manager) => {
        await note(manager, 'paid');
        await expect(start(undefined)).rejects.toMatchObject({
          code: 'START_INSIDE_TRANSACTION',
          message:
            'Saga "checkout" cannot be started inside a transaction without joining it: that would wait for the transaction\'s own locks, and go on when it is rolled back. Join it with { manager }, the one that the transaction calls back with, or do it after the commit.',
        });
        const event = new Confirmed({ cart: 'c1' });
        await expect(shop.sagas.signal(sagaId, Checkout.steps.confirm, event)).rejects.toMatchObject({
          code: 'SIGNAL_INSIDE_TRANSACTION',
        });
        await expect(shop.sagas.requestAbort(sagaId, 'no')).rejects.toMatchObject({ code: 'ABORT_INSIDE_TRANSACTION' });
      });
      expect([await shop.notes(), await shop.rows()]).toEqual([['paid'], nothing]);
    },
  );

  test('what the application began before the transaction, or begins after it, may start', async () => {
    const apart = new AsyncResource('a background job');
    let background: Promise<unknown> | undefined;
    await shop.dataSource.transaction(async () => {
      background = apart.runInAsyncScope(() => start(undefined));
    });
    await background;
    await start(undefined);
    expect((await shop.notes()).filter((text) => text === 'ordered c1')).toHaveLength(2);
  });

  test('one of another DataSource is none of the service’s', async () => {
    const other = await new DataSource({ type: 'postgres', url }).initialize();
    await other.transaction(() => start(undefined));
    await other.destroy();
    expect(await shop.notes()).toContain('ordered c1');
  });
});
