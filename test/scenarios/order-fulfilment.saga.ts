import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export const newOrder = z.object({
  orderId: z.string(),
  quantity: z.int().positive(),
  total: z.int(),
  card: z.string(),
  zip: z.string(),
});
const order = { orderId: z.string() };
const refusal = z.object({ ...order, reason: z.string() });

export class OrderPlaced extends DomainEvent('order.placed', newOrder) {}
export class OrderCancelled extends DomainEvent('order.cancelled', refusal) {}
export class InventoryReserved extends DomainEvent('inventory.reserved', newOrder) {}
export class InventoryRejected extends DomainEvent('inventory.rejected', refusal) {}
export class InventoryReleased extends DomainEvent('inventory.released', z.object(order)) {}
export class PaymentCharged extends DomainEvent('payment.charged', newOrder) {}
export class PaymentDeclined extends DomainEvent('payment.declined', refusal) {}
export class PaymentRefunded extends DomainEvent('payment.refunded', z.object({ ...order, amount: z.int() })) {}
export class ShipmentScheduled extends DomainEvent('shipment.scheduled', z.object(order)) {}
export class ShipmentRejected extends DomainEvent('shipment.rejected', refusal) {}
export class OrderConfirmed extends DomainEvent('order.confirmed', z.object(order)) {}

export const Fulfilment = defineSaga('linear-fulfilment', {
  placeOrder: { input: newOrder, emits: OrderPlaced, compensated: OrderCancelled },
  reserveInventory: {
    after: 'placeOrder',
    emits: InventoryReserved,
    rejected: InventoryRejected,
    compensated: InventoryReleased,
  },
  chargePayment: {
    after: 'reserveInventory',
    undo: 'semantic',
    emits: PaymentCharged,
    rejected: PaymentDeclined,
    compensated: PaymentRefunded,
  },
  scheduleShipment: {
    after: 'chargePayment',
    kind: 'pivot',
    emits: ShipmentScheduled,
    rejected: ShipmentRejected,
  },
  confirmOrder: { after: 'scheduleShipment', kind: 'retriable', emits: OrderConfirmed },
});
