import { DomainEvent, defineSaga } from 'nest-saga/definition';
import { z } from 'zod';

export class OrderPlaced extends DomainEvent('order.placed', z.object({ orderId: z.string(), quantity: z.number() })) {}
export class StockReserved extends DomainEvent('stock.reserved', z.object({ orderId: z.string() })) {}
export class PriceAgreed extends DomainEvent('price.agreed', z.object({ orderId: z.string(), price: z.number() })) {}
export class CardCharged extends DomainEvent('card.charged', z.object({ orderId: z.string() })) {}
export class CardRefused extends DomainEvent('card.refused', z.object({ orderId: z.string(), reason: z.string() })) {}

export const Order = defineSaga('order', {
  place: { input: z.object({ orderId: z.string(), quantity: z.number() }), emits: OrderPlaced },
  reserve: { after: 'place', emits: StockReserved },
  price: { after: 'place', kind: 'readOnly', emits: PriceAgreed },
  charge: { after: ['reserve', 'price'], kind: 'pivot', emits: CardCharged, rejected: CardRefused },
});
