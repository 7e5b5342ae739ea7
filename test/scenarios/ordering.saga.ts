import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

export const order = z.object({ orderId: z.string() });
const closing = order.extend({ reason: z.string() });

export class OrderPlaced extends DomainEvent('order.placed', order) {}
export class OrderCancelled extends DomainEvent('order.cancelled', closing) {}
export class StockReserved extends DomainEvent('stock.reserved', order) {}
export class StockReleased extends DomainEvent('stock.released', order) {}
export class PaymentCharged extends DomainEvent('payment.charged', order) {}
export class OrderConfirmed extends DomainEvent('order.confirmed', order) {}

/** Saga A. */
export const Ordering = defineSaga('ordering', {
  place: { input: order, emits: OrderPlaced, compensated: OrderCancelled },
  reserve: { after: 'place', emits: StockReserved, compensated: StockReleased },
  charge: { after: 'reserve', kind: 'pivot', emits: PaymentCharged },
  confirm: { after: 'charge', kind: 'retriable', emits: OrderConfirmed },
});

export class ReturnAsked extends DomainEvent('return.asked', order) {}
export class ReturnDropped extends DomainEvent('return.dropped', closing) {}
export class PaymentRefunded extends DomainEvent('payment.refunded', order) {}
export class OrderReturned extends DomainEvent('order.returned', order) {}

/** Saga B: what is offered to whom it is too late to cancel. */
export const Returning = defineSaga('returning', {
  ask: { input: order, emits: ReturnAsked, compensated: ReturnDropped },
  refund: { after: 'ask', kind: 'pivot', emits: PaymentRefunded },
  close: { after: 'refund', kind: 'retriable', emits: OrderReturned },
});

export const readdressing = order.extend({ address: z.string() });
export class AddressChanged extends DomainEvent('address.changed', readdressing) {}

/** A third saga that touches the order's row. */
export const Readdressing = defineSaga('readdressing', {
  change: { input: readdressing, kind: 'pivot', emits: AddressChanged },
});
