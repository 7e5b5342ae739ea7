// #region events
import { DomainEvent } from 'nest-saga';
import { z } from 'zod';

const order = { orderId: z.uuid() };

export class OrderPlaced extends DomainEvent(
  'order.placed',
  z.object({
    ...order,
    sku: z.string(),
    quantity: z.int().positive(),
    total: z.number(),
    card: z.string(),
    zip: z.string(),
  }),
) {}
export class OrderCancelled extends DomainEvent(
  'order.cancelled',
  z.object({ ...order, failedStep: z.string(), reason: z.string() }),
) {}
export class StockReserved extends DomainEvent('stock.reserved', z.object({ ...order, reservationId: z.uuid() })) {}
export class OutOfStock extends DomainEvent('stock.insufficient', z.object({ ...order, reason: z.string() })) {}
export class CardCharged extends DomainEvent('card.charged', z.object({ ...order, chargeId: z.uuid() })) {}
export class CardDeclined extends DomainEvent('card.declined', z.object({ ...order, reason: z.string() })) {}
export class ShipmentScheduled extends DomainEvent('shipment.scheduled', z.object({ ...order, chargeId: z.uuid() })) {}
export class ShipmentRefused extends DomainEvent('shipment.refused', z.object({ ...order, reason: z.string() })) {}
export class OrderConfirmed extends DomainEvent('order.confirmed', z.object(order)) {}
// #endregion events
