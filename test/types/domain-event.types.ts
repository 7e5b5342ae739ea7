import { DomainEvent, eventFrom, eventType, type EventInstance } from 'nest-saga/definition';
import { z } from 'zod';
import { OrderPlaced, StockReleased, StockReturned } from './events.js';
import { holds, type Same } from './type-equality.js';

// The schema is the only source of an event's shape.
const placed = new OrderPlaced({ orderId: 'o-1', total: 12 });
holds<Same<typeof placed.total, number>>();
holds<Same<(typeof placed)[typeof eventType], 'order.placed'>>();
holds<Same<typeof OrderPlaced.type, 'order.placed'>>();

// @ts-expect-error a field is missing
void new OrderPlaced({ orderId: 'o-1' });
// @ts-expect-error a field has another type
void new OrderPlaced({ orderId: 'o-1', total: '12' });
// @ts-expect-error a field is unknown
void new OrderPlaced({ orderId: 'o-1', total: 12, color: 'red' });
// @ts-expect-error an event is read-only
placed.total = 13;
// @ts-expect-error a field that the schema does not have
void placed.color;

// What goes in is the schema's input, what is read is its output.
class Dated extends DomainEvent('dated', z.object({ priority: z.enum(['low', 'high']).default('low') })) {}
holds<Same<InstanceType<typeof Dated>['priority'], 'low' | 'high'>>();
void new Dated({});

// Events of the same shape are kept apart by their type names, and data is no event.
const released: StockReleased = new StockReleased({ reservationId: 'r-1' });
// @ts-expect-error another event of the same shape
const returned: StockReturned = released;
// @ts-expect-error plain data
const forged: StockReleased = { reservationId: 'r-1' };
void [returned, forged];

// @ts-expect-error the schema of an event describes an object
void DomainEvent('scalar', z.string());
// @ts-expect-error no schema library's schema at all
void DomainEvent('shapeless', { orderId: 'string' });

// Data of unknown origin becomes an event of unknown data.
holds<Same<ReturnType<typeof eventFrom>, EventInstance>>();
eventFrom(OrderPlaced, JSON.parse('{}'));
// @ts-expect-error no event class
eventFrom(Date, {});
