import { DomainEvent, defineSaga } from 'nest-saga';
import { z } from 'zod';

const order = z.object({ id: z.string(), tenant: z.string() });

export class OrderPlaced extends DomainEvent('host.order.placed', order) {}
export class OrderCancelled extends DomainEvent('host.order.cancelled', z.object({ id: z.string() })) {}
export class CardCharged extends DomainEvent('host.card.charged', order) {}
export class OrderShipped extends DomainEvent('host.order.shipped', order) {}
export class ShipmentRefused extends DomainEvent(
  'host.shipment.refused',
  z.object({ id: z.string(), reason: z.string() }),
) {}

/** The saga of all hosts: one order completes, another is refused at its end and closed backwards. */
export const Shop = defineSaga('host-shop', {
  place: { input: order, emits: OrderPlaced, compensated: OrderCancelled },
  charge: { after: 'place', emits: CardCharged },
  ship: { after: 'charge', kind: 'pivot', emits: OrderShipped, rejected: ShipmentRefused },
});
