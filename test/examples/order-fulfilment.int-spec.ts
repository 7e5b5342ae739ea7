import { NestFactory } from '@nestjs/core';
import { Sagas } from 'nest-saga';
import type { INestApplicationContext } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { OrderFulfilment } from '../../examples/order-fulfilment/src/order-fulfilment.saga.js';
import type { NewOrder } from '../../examples/order-fulfilment/src/order.steps.js';
import { freshDatabase } from '../support/database.js';

describe('the order fulfilment example', () => {
  let app: INestApplicationContext;

  beforeAll(async () => {
    process.env['DATABASE_URL'] = await freshDatabase();
    const { OrderModule } = await import('../../examples/order-fulfilment/src/order.module.js');
    app = await NestFactory.createApplicationContext(OrderModule, { logger: ['error', 'warn'] });
  });

  afterAll(() => app.close());

  const lamp: NewOrder = { sku: 'lamp', quantity: 2, total: 79.97, card: '5105', zip: '10115' };
  /** A saga is known to be settled by its last event: those before it may be told a moment later. */
  const settled = async (order: NewOrder): Promise<{ status: string; types: readonly string[]; orderId: string }> => {
    const sagas = app.get(Sagas);
    const { sagaId, event } = await sagas.start(OrderFulfilment, order);
    const { status } = await sagas.settled(sagaId, { timeout: 20_000 });
    const history = await vi.waitFor(async () => {
      const told = (await sagas.status(sagaId))!.history;
      const ids = told.map(({ id }) => id);
      expect(told.every(({ causationId }) => causationId === undefined || ids.includes(causationId))).toBe(true);
      return told;
    }, 20_000);
    return { status, types: history.map(({ type }) => type), orderId: (event as { orderId: string }).orderId };
  };
  const rows = (sql: string, orderId: string): Promise<unknown[]> => app.get(DataSource).query(sql, [orderId]);

  test('an order is confirmed after both branches are done', async () => {
    const { status, types, orderId } = await settled(lamp);
    expect(status).toBe('completed');
    expect([...types].toSorted()).toEqual([
      'card.charged',
      'order.confirmed',
      'order.placed',
      'shipment.scheduled',
      'stock.reserved',
    ]);
    expect(types.at(-1)).toBe('order.confirmed');
    expect(await rows('SELECT status FROM shop_order WHERE "orderId" = $1', orderId)).toEqual([
      { status: 'confirmed' },
    ]);
  });

  test('without stock the charge of the other branch is refunded and nothing is shipped', async () => {
    const { status, types, orderId } = await settled({ ...lamp, quantity: 15 });
    expect(status).toBe('aborted');
    expect(types.at(-1)).toBe('order.cancelled');
    expect(await rows('SELECT refunded FROM charge WHERE "orderId" = $1', orderId)).toEqual([{ refunded: true }]);
    expect(await rows('SELECT 1 FROM shipment WHERE "orderId" = $1', orderId)).toEqual([]);
  });

  test('a declined card releases the stock', async () => {
    const { status, orderId } = await settled({ ...lamp, card: '4000' });
    expect(status).toBe('aborted');
    expect(await rows('SELECT 1 FROM reservation WHERE "orderId" = $1', orderId)).toEqual([]);
    expect(await rows('SELECT reason FROM shop_order WHERE "orderId" = $1', orderId)).toEqual([
      { reason: 'card declined' },
    ]);
  });

  test('a shipment refused after it was written leaves no shipment, no stock and no money', async () => {
    const { status, orderId } = await settled({ ...lamp, sku: 'piano' });
    expect(status).toBe('aborted');
    expect(await rows('SELECT 1 FROM shipment WHERE "orderId" = $1', orderId)).toEqual([]);
    expect(await rows('SELECT 1 FROM reservation WHERE "orderId" = $1', orderId)).toEqual([]);
    expect(await rows('SELECT refunded FROM charge WHERE "orderId" = $1', orderId)).toEqual([{ refunded: true }]);
  });
});
