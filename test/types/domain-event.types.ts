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

// The data of an event is one object; anything else is refused with a sentence that says what to do.
// @ts-expect-error a text
void DomainEvent('scalar', z.string());
// @ts-expect-error one of several that are no objects
void DomainEvent('scalars', z.union([z.string(), z.number()]));
// @ts-expect-error what may be missing
void DomainEvent('missing', z.object({ a: z.string() }).optional());
// @ts-expect-error what may be nothing
void DomainEvent('nothing', z.object({ a: z.string() }).nullable());
// @ts-expect-error a list is no class
class Listed extends DomainEvent('listed', z.array(z.string())) {}
// @ts-expect-error nor is one of two forms a list
class EitherList extends DomainEvent('either-list', z.union([z.object({ a: z.string() }), z.array(z.string())])) {}
// @ts-expect-error a date
class Day extends DomainEvent('day', z.date()) {}
void [Listed, EitherList, Day];
const sentence: ReturnType<typeof DomainEvent<'listed', z.ZodArray<z.ZodString>>> =
  'The data of an event is one object: put a text, a number, a list, or what may be missing, into a field of it, such as z.object({ value: … })';
void sentence;

// An event of a union has what all of its forms have, and what some have as what may be missing.
const settled = z.discriminatedUnion('method', [
  z.object({ method: z.literal('card'), last4: z.string(), fee: z.number().optional() }),
  z.object({ method: z.literal('sepa'), iban: z.string(), fee: z.number() }),
]);
class PaymentSettled extends DomainEvent('payment.settled', settled) {
  get account(): string {
    return this.last4 ?? this.iban ?? '';
  }
}
const paid = new PaymentSettled({ method: 'card', last4: '1881' });
holds<Same<typeof paid.method, 'card' | 'sepa'>>();
holds<Same<typeof paid.last4, string | undefined>>();
holds<Same<typeof paid.fee, number | undefined>>();
holds<Same<(typeof paid)[typeof eventType], 'payment.settled'>>();
const narrowed = paid as z.infer<typeof settled>;
holds<Same<typeof narrowed.method, 'card' | 'sepa'>>();
// @ts-expect-error a field of the other form
void new PaymentSettled({ method: 'card', iban: 'DE00' });
// @ts-expect-error no field of any form
void paid.color;
// @ts-expect-error read-only
paid.last4 = '0000';

// So it is with unions that share nothing, in an intersection, with a record; a field keeps its union apart.
class Either extends DomainEvent('either', z.union([z.object({ a: z.string() }), z.object({ b: z.number() })])) {}
holds<Same<InstanceType<typeof Either>['b'], number | undefined>>();
class Both extends DomainEvent('both', z.intersection(z.object({ by: z.string() }), settled)) {}
holds<Same<InstanceType<typeof Both>['by'], string>>();
holds<Same<InstanceType<typeof Both>['iban'], string | undefined>>();
class Held extends DomainEvent('held', z.object({ by: z.record(z.string(), settled), last: settled.optional() })) {}
const held = new Held({ by: { x: { method: 'sepa', iban: 'DE00', fee: 1 } } });
const last = held.last;
if (last?.method === 'card') holds<Same<typeof last.last4, string>>();

// Records and open objects are objects.
class Prices extends DomainEvent('prices', z.record(z.string(), z.number())) {}
holds<Same<InstanceType<typeof Prices>['anything'], number>>();
class Open extends DomainEvent('open', z.looseObject({ a: z.string() })) {}
holds<Same<InstanceType<typeof Open>['a'], string>>();
class Whatever extends DomainEvent('whatever', z.any()) {}
void [Either, Both, Prices, Open, Whatever];

// A function of one's own may make events of a common part.
const ofTenant = <Shape extends z.ZodRawShape>(type: string, shape: Shape) =>
  DomainEvent(type, z.object({ tenant: z.string(), ...shape }));
class Registered extends ofTenant('registered', { name: z.string() }) {}
holds<Same<InstanceType<typeof Registered>['name'], string>>();
// @ts-expect-error no schema library's schema at all
void DomainEvent('shapeless', { orderId: 'string' });

// Data of unknown origin becomes an event of unknown data.
holds<Same<ReturnType<typeof eventFrom>, EventInstance>>();
eventFrom(OrderPlaced, JSON.parse('{}'));
// @ts-expect-error no event class
eventFrom(Date, {});
