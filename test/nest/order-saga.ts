import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

const order = { orderId: z.string(), quantity: z.number() };

export class OrderPlaced extends DomainEvent('order.placed', z.object(order)) {}
export class OrderCancelled extends DomainEvent('order.cancelled', z.object({ orderId: z.string() })) {}
export class StockReserved extends DomainEvent('stock.reserved', z.object(order)) {}
export class StockReleased extends DomainEvent('stock.released', z.object({ orderId: z.string() })) {}
export class CardCharged extends DomainEvent('card.charged', z.object({ orderId: z.string() })) {}
export class CardRefused extends DomainEvent('card.refused', z.object({ orderId: z.string(), reason: z.string() })) {}
export class OrderShipped extends DomainEvent('order.shipped', z.object({ orderId: z.string() })) {}

export const NewOrder = z.object({ orderId: z.string().min(1), quantity: z.number().int().default(1) });

/** Compensatable, compensatable, pivot, retriable: one of each. */
export const Order = defineSaga('order', {
  place: { input: NewOrder, emits: OrderPlaced, compensated: OrderCancelled },
  reserve: { after: 'place', emits: StockReserved, compensated: StockReleased },
  charge: { after: 'reserve', kind: 'pivot', emits: CardCharged, rejected: CardRefused },
  ship: { after: 'charge', kind: 'retriable', emits: OrderShipped },
});

export class PaymentAsked extends DomainEvent('payment.asked', z.object({ orderId: z.string() })) {}
export class PaymentDone extends DomainEvent('payment.done', z.object({ orderId: z.string() })) {}

/** One step, which is the commit point: the smallest saga. */
export const Payment = defineSaga('payment', { pay: { emits: PaymentDone } });

/** Started by an outside event. */
export const AskedPayment = defineSaga('asked-payment', { pay: { on: PaymentAsked, emits: PaymentDone } });
