import { defineSaga, type CompensatableStep, type Step } from 'nest-saga/definition';
import { z } from 'zod';
import {
  CustomerChecked,
  OrderDropped,
  OrderPaid,
  OrderPlaced,
  OrderShipped,
  PaymentRefused,
  StockRefused,
  StockReleased,
  StockReserved,
} from './events.js';
import { holds, type Same } from './type-equality.js';

type InputOf<S> = S extends Step<infer Input, infer _Done, infer _Rejected> ? Input : 'no step';
type DoneOf<S> = S extends Step<infer _Input, infer Done, infer _Rejected> ? Done : 'no step';
type RejectedOf<S> = S extends Step<infer _Input, infer _Done, infer Rejected> ? Rejected : 'no step';
type UndoneOf<S> =
  S extends CompensatableStep<infer _Input, infer _Done, infer _Rejected, infer Compensated>
    ? Compensated
    : 'never undone';

const NewOrder = z.object({ customer: z.string(), express: z.boolean().default(false) });

const Order = defineSaga('order', {
  place: { input: NewOrder, emits: OrderPlaced, compensated: OrderDropped },
  reserve: { after: 'place', emits: StockReserved, rejected: StockRefused, compensated: StockReleased },
  check: { after: 'place', kind: 'readOnly', emits: CustomerChecked },
  pay: { after: ['reserve', 'check'], kind: 'pivot', emits: OrderPaid, rejected: PaymentRefused },
  ship: { after: 'pay', kind: 'retriable', emits: OrderShipped },
});
const { place, reserve, check, pay, ship } = Order.steps;

// The input: one predecessor, its event; several, one of each by name; the source, what it is started with.
holds<Same<InputOf<typeof reserve>, OrderPlaced>>();
holds<Same<InputOf<typeof ship>, OrderPaid>>();
holds<Same<InputOf<typeof pay>, { readonly reserve: StockReserved; readonly check: CustomerChecked }>>();
holds<Same<InputOf<typeof place>, { customer: string; express: boolean }>>();

const Outside = defineSaga('outside', { ship: { on: OrderPaid, emits: OrderShipped } });
holds<Same<InputOf<typeof Outside.steps.ship>, OrderPaid>>();
const Untyped = defineSaga('untyped', { ship: { emits: OrderShipped } });
holds<Same<InputOf<typeof Untyped.steps.ship>, never>>();

// The outcomes.
holds<Same<DoneOf<typeof reserve>, StockReserved>>();
holds<Same<RejectedOf<typeof reserve>, StockRefused>>();
holds<Same<RejectedOf<typeof place>, never>>();
holds<Same<RejectedOf<typeof ship>, never>>();
holds<Same<UndoneOf<typeof reserve>, StockReleased>>();
holds<Same<UndoneOf<typeof check>, 'never undone'>>();
holds<Same<UndoneOf<typeof pay>, 'never undone'>>();
holds<Same<UndoneOf<typeof ship>, 'never undone'>>();

const Defaults = defineSaga('defaults', {
  a: { emits: OrderPlaced },
  b: { after: 'a', kind: 'pivot', emits: OrderPaid },
});
holds<Same<UndoneOf<typeof Defaults.steps.a>, void>>();

// A conditional step: what it asks is its input, and its successors may get nothing from it.
const Conditional = defineSaga('conditional', {
  place: { emits: OrderPlaced },
  check: { after: 'place', when: (order: OrderPlaced) => order.total > 100, kind: 'readOnly', emits: CustomerChecked },
  reserve: { after: 'check', emits: StockReserved },
  pay: { after: ['check', 'reserve'], kind: 'pivot', emits: OrderPaid },
});
holds<Same<InputOf<typeof Conditional.steps.check>, OrderPlaced>>();
holds<Same<InputOf<typeof Conditional.steps.reserve>, CustomerChecked | undefined>>();
holds<
  Same<
    InputOf<typeof Conditional.steps.pay>,
    { readonly check: CustomerChecked | undefined; readonly reserve: StockReserved }
  >
>();
defineSaga('conditional-on-less', {
  a: { emits: OrderPlaced },
  b: { after: 'a', when: ({ total }: { readonly total: number }) => total > 100, emits: StockReserved },
  c: { after: 'b', when: (stock: StockReserved | undefined) => stock !== undefined, emits: CustomerChecked },
  d: { after: ['b', 'c'], when: () => true, emits: OrderPaid },
  e: { after: 'd', emits: OrderShipped },
});
defineSaga('conditional-on-another', {
  a: { emits: OrderPlaced },
  // @ts-expect-error the condition is asked about the event of the predecessor
  b: { after: 'a', when: (paid: OrderPaid) => paid.chargeId !== '', emits: StockReserved },
});
defineSaga('conditional-on-a-skipped-step', {
  a: { emits: OrderPlaced },
  b: { after: 'a', when: () => false, emits: StockReserved },
  // @ts-expect-error a step that may be skipped may give nothing
  c: { after: 'b', when: (stock: StockReserved) => stock.reservationId !== '', emits: OrderPaid },
});
defineSaga('no-condition', {
  a: { emits: OrderPlaced },
  // @ts-expect-error a condition is a function
  b: { after: 'a', when: true, emits: StockReserved },
});
defineSaga('no-answer', {
  a: { emits: OrderPlaced },
  // @ts-expect-error a condition answers yes or no
  b: { after: 'a', when: (order: OrderPlaced) => order.total, emits: StockReserved },
});

// A fan-out: its branches are named by the source's event, and its successors get one event of each.
const Wide = defineSaga('wide', {
  place: { emits: OrderPlaced },
  check: { after: 'place', kind: 'readOnly', emits: CustomerChecked },
  reserve: { after: 'check', each: (order: OrderPlaced) => [order.orderId], emits: StockReserved },
  pay: { after: 'reserve', kind: 'pivot', emits: OrderPaid },
  ship: {
    after: ['pay', 'reserve'],
    kind: 'retriable',
    each: () => [],
    when: ({ reserve: stock }: { reserve: Readonly<Record<string, StockReserved>> }) => 'x' in stock,
    emits: OrderShipped,
  },
  bill: { after: ['ship'], kind: 'retriable', emits: StockReleased },
});
holds<Same<InputOf<typeof Wide.steps.reserve>, CustomerChecked>>();
holds<Same<InputOf<typeof Wide.steps.pay>, Readonly<Record<string, StockReserved>>>>();
holds<Same<InputOf<typeof Wide.steps.bill>, { readonly ship: Readonly<Record<string, OrderShipped | undefined>> }>>();
defineSaga('branches-of-another', {
  a: { emits: OrderPlaced },
  b: { after: 'a', emits: StockReserved },
  // @ts-expect-error the branches are named by the event of the source
  c: { after: 'b', each: (stock: StockReserved) => [stock.reservationId], emits: CustomerChecked },
  d: { after: 'c', emits: OrderPaid },
});
defineSaga('no-names', {
  a: { emits: OrderPlaced },
  // @ts-expect-error branches have names
  b: { after: 'a', each: (order: OrderPlaced) => order.total, emits: StockReserved },
  c: { after: 'b', emits: OrderPaid },
});

// The names of the steps.
holds<Same<keyof typeof Order.steps, 'place' | 'reserve' | 'check' | 'pay' | 'ship'>>();
// @ts-expect-error no step of this saga
void Order.steps.deliver;

defineSaga('unknown-predecessor', {
  a: { emits: OrderPlaced },
  // @ts-expect-error "c" is no step of this saga
  b: { after: 'c', emits: OrderPaid },
});
defineSaga('unknown-among-known', {
  a: { emits: OrderPlaced },
  // @ts-expect-error "c" is no step of this saga
  b: { after: ['a', 'c'], emits: OrderPaid },
});
defineSaga('after-itself', {
  a: { emits: OrderPlaced },
  // @ts-expect-error a step cannot follow itself
  b: { after: 'b', emits: OrderPaid },
});
// @ts-expect-error a step emits an event
defineSaga('nothing-emitted', { a: { kind: 'pivot' } });
// @ts-expect-error the type name is no event
defineSaga('no-event', { a: { emits: 'order.placed' } });
// @ts-expect-error no kind of step
defineSaga('no-kind', { a: { emits: OrderPlaced, kind: 'optional' } });
// @ts-expect-error no kind of undo
defineSaga('no-undo', { a: { emits: OrderPlaced, undo: 'maybe' } });
// @ts-expect-error a dead letter halts the saga, or the undo continues
defineSaga('no-dead-letter', { a: { emits: OrderPlaced, onDeadLetter: 'forget' } });
// @ts-expect-error no property of a step
defineSaga('no-property', { a: { emits: OrderPlaced, retries: 3 } });
// @ts-expect-error no option of a saga
defineSaga('no-option', { a: { emits: OrderPlaced } }, { topic: 'orders' });

// A checked definition cannot be changed.
// @ts-expect-error read-only
Order.steps.pay.role = 'retriable';
// @ts-expect-error read-only
Order.version = 2;
