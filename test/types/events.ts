import { DomainEvent } from 'nest-saga/definition';
import { z } from 'zod';

export class OrderPlaced extends DomainEvent('order.placed', z.object({ orderId: z.string(), total: z.number() })) {}
export class OrderDropped extends DomainEvent('order.dropped', z.object({ orderId: z.string() })) {}
export class StockReserved extends DomainEvent('stock.reserved', z.object({ reservationId: z.string() })) {}
export class StockRefused extends DomainEvent('stock.refused', z.object({ reason: z.string() })) {}
export class StockReleased extends DomainEvent('stock.released', z.object({ reservationId: z.string() })) {}
export class CustomerChecked extends DomainEvent('customer.checked', z.object({ rating: z.number() })) {}
export class OrderPaid extends DomainEvent('order.paid', z.object({ chargeId: z.string() })) {}
export class PaymentRefused extends DomainEvent('payment.refused', z.object({ reason: z.string() })) {}
export class OrderShipped extends DomainEvent('order.shipped', z.object({ parcel: z.string() })) {}

/** The same shape as StockReleased under another type name. */
export class StockReturned extends DomainEvent('stock.returned', z.object({ reservationId: z.string() })) {}
