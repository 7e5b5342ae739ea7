import { ClsPluginTransactional, TransactionHost } from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { getDataSourceToken } from '@nestjs/typeorm';
import { ClsModule, ClsService } from 'nestjs-cls';
import { DataSource, type EntityManager } from 'typeorm';
import {
  StorageDriver,
  addTransactionalDataSource,
  initializeTransactionalContext,
  runInTransaction,
  runOnTransactionCommit,
} from 'typeorm-transactional';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { Checkout, CheckoutSteps, Shop, note, nothing, wentOn } from './joining-sagas.js';
import { eventually } from './scene.js';

/** An application that has its transactions from a library. */
interface Application {
  readonly shop: Shop;
  inTransaction<T>(work: () => Promise<T>): Promise<T>;
  /** The manager of the transaction that is open, as the library tells it. */
  manager(): EntityManager;
}

async function withTypeormTransactional(): Promise<Application> {
  initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE });
  const url = await freshDatabase();
  const app = await startedOn(url, { providers: [CheckoutSteps] });
  const dataSource = app.get(DataSource);
  const connectionName = url;
  addTransactionalDataSource({ name: connectionName, dataSource, patch: true });
  return {
    shop: new Shop(app),
    inTransaction: (work) => runInTransaction(work, { connectionName }),
    manager: () => dataSource.manager,
  };
}

async function withNestjsCls(): Promise<Application> {
  const adapter = new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() });
  const app = await startedOn(await freshDatabase(), {
    imports: [ClsModule.forRoot({ global: true, plugins: [new ClsPluginTransactional({ adapter })] })],
    providers: [CheckoutSteps],
  });
  const host = app.get<TransactionHost<TransactionalAdapterTypeOrm>>(TransactionHost);
  return {
    shop: new Shop(app),
    inTransaction: (work) => app.get(ClsService).run(() => host.withTransaction(work)),
    manager: () => host.tx,
  };
}

describe.each([
  ['typeorm-transactional', withTypeormTransactional],
  ['@nestjs-cls/transactional', withNestjsCls],
])('in a transaction of %s', (_library, open) => {
  test('a start that does not join is refused, and nothing is left of it', async () => {
    const { shop, inTransaction } = await open();
    const start = inTransaction(() => shop.sagas.start(Checkout, { cart: 'c1' }));
    await expect(start).rejects.toMatchObject({ code: 'START_INSIDE_TRANSACTION' });
    expect([await shop.notes(), await shop.rows()]).toEqual([[], nothing]);
  });

  test('a start that joins is rolled back and committed with it', async () => {
    const { shop, inTransaction, manager } = await open();
    const checkOut = (): Promise<unknown> => shop.sagas.start(Checkout, { cart: 'c1' }, { manager: manager() });
    const failing = inTransaction(async () => {
      await note(manager(), 'paid');
      await checkOut();
      throw new Error('no money');
    });
    await expect(failing).rejects.toThrow('no money');
    expect([await shop.notes(), await shop.rows()]).toEqual([[], nothing]);
    await inTransaction(async () => {
      await note(manager(), 'paid');
      await checkOut();
    });
    await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered c1', 'paid']));
  });
});

test('what typeorm-transactional runs after the commit may start', async () => {
  const { shop, inTransaction } = await withTypeormTransactional();
  await inTransaction(async () => {
    runOnTransactionCommit(() => void shop.sagas.start(Checkout, { cart: 'c1' }));
  });
  await eventually(async () => expect(await shop.notes()).toEqual([wentOn, 'ordered c1']));
});
