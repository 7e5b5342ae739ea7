import { describe, expect, test } from 'vitest';
import { disturbances, undisturbed } from './disturbances.js';
import { Shop } from './order-fulfilment.scene.js';

const patience = { timeout: 120_000 };
const untouched = { stock: 10, charged: 0, orders: { x: 'cancelled' }, shipments: [] };
const done = { placeOrder: 'done', reserveInventory: 'done', chargePayment: 'done' };
const undone = { placeOrder: 'compensated', reserveInventory: 'compensated', chargePayment: 'compensated' };
const neverReached = { scheduleShipment: 'cancelled', confirmOrder: 'cancelled' };

const failures = [
  {
    title: 'fifteen lamps of ten: nothing was done, so nothing is undone',
    order: { orderId: 'x', quantity: 15 },
    rows: { ...undone, reserveInventory: 'rejected', chargePayment: 'cancelled', ...neverReached },
    journal: ['x placed', 'x cancelled'],
    closing: ['inventory.rejected', 'order.cancelled'],
  },
  {
    title: 'a declined card: the stock is released',
    order: { orderId: 'x', card: '4000 0000' },
    rows: { ...undone, chargePayment: 'rejected', ...neverReached },
    journal: ['x placed', 'x reserved', 'x released', 'x cancelled'],
    closing: ['payment.declined', 'inventory.released', 'order.cancelled'],
  },
  {
    title: 'no delivery there: the payment is refunded, then the stock released, then the order cancelled',
    order: { orderId: 'x', zip: '99501' },
    rows: { ...undone, scheduleShipment: 'rejected', confirmOrder: 'cancelled' },
    journal: ['x placed', 'x reserved', 'x charged', 'x refunded', 'x released', 'x cancelled'],
    closing: ['shipment.rejected', 'payment.refunded', 'inventory.released', 'order.cancelled'],
  },
];

describe.each(disturbances)('scenario 1, order fulfilment, $name', (disturbance) => {
  test('all is well: the order is confirmed, paid for and shipped', patience, async () => {
    const shop = await Shop.open(disturbance);
    const saga = await shop.ended({ orderId: 'x' });
    expect(saga).toMatchObject({ status: 'completed', inconsistencies: [], debts: [] });
    const rows = { ...done, scheduleShipment: 'done', confirmOrder: 'done' };
    expect(await shop.services.fenceRows(saga.sagaId)).toEqual(rows);
    expect(await shop.state()).toEqual({ stock: 8, charged: 7_997, orders: { x: 'confirmed' }, shipments: ['x'] });
    const journal = ['x placed', 'x reserved', 'x charged', 'x scheduled', 'x confirmed'];
    expect(await shop.services.journal()).toEqual(journal);
  });

  test.each(failures)('$title', patience, async ({ order, rows, journal, closing }) => {
    const shop = await Shop.open(disturbance);
    const saga = await shop.ended(order);
    expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    expect(saga.history.map(({ type }) => type).filter((type) => closing.includes(type))).toEqual(closing);
    expect(await shop.services.fenceRows(saga.sagaId)).toEqual(rows);
    expect(await shop.state()).toEqual(untouched);
    expect(await shop.services.journal()).toEqual(journal);
  });

  test('orders of all kinds at once: each ends as it should, and the sums agree', patience, async () => {
    const shop = await Shop.open(disturbance);
    const kinds = [{}, { quantity: 15 }, { card: '4000' }, { zip: '99' }];
    const orders = Array.from({ length: 12 }, (_, n) => ({ orderId: `o${n}`, quantity: 1, ...kinds[n % 4] }));
    const sagaIds = await Promise.all(orders.map((order) => shop.order(order)));
    for (const sagaId of sagaIds) await shop.services.settled(sagaId);
    const { stock, charged, orders: ends, shipments } = await shop.state();
    expect({ stock, charged, shipments }).toEqual({ stock: 7, charged: 3 * 7_997, shipments: ['o0', 'o4', 'o8'] });
    for (const [n, { orderId }] of orders.entries()) expect(ends[orderId]).toBe(n % 4 ? 'cancelled' : 'confirmed');
  });
});

describe('scenario 1, order fulfilment, when it is over', () => {
  test.each(failures)('$title; every event once more, the last first, changes nothing', patience, async (failure) => {
    const shop = await Shop.open(undisturbed);
    const { sagaId } = await shop.ended(failure.order);
    await shop.services.publishAllAgain();
    const { status } = await shop.ended({ orderId: 'later', zip: '99' });
    await shop.services.stop();
    expect(status).toBe('aborted');
    expect(await shop.services.fenceRows(sagaId)).toEqual(failure.rows);
    expect(await shop.state()).toEqual({ ...untouched, orders: { x: 'cancelled', later: 'cancelled' } });
    const ofX = (await shop.services.journal()).filter((entry) => entry.startsWith('x '));
    expect(ofX).toEqual(failure.journal);
  });
});
