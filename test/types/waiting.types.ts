import { Compensates, SagaStep, StepRejected, defineSaga, type Sagas, type SignalAnswer } from 'nest-saga';
import { OrderPaid, OrderPlaced, OrderShipped, PaymentRefused, StockReserved } from './events.js';
import { holds, type Same } from './type-equality.js';

declare const sagas: Sagas;
declare const [placed, reserved, paid, refused]: [OrderPlaced, StockReserved, OrderPaid, PaymentRefused];

const Order = defineSaga(
  'order',
  {
    place: { emits: OrderPlaced },
    reserve: { after: 'place', emits: StockReserved, expires: 60_000 },
    pay: {
      after: 'reserve',
      kind: 'pivot',
      awaits: 'signal',
      deadline: 60_000,
      emits: OrderPaid,
      rejected: PaymentRefused,
    },
    ship: { after: 'pay', kind: 'retriable', awaits: 'signal', emits: OrderShipped },
  },
  { deadline: 3_600_000 },
);
const { reserve, pay, ship } = Order.steps;

export async function signaling(id: string): Promise<void> {
  const answer = await sagas.signal(id, pay, paid);
  holds<Same<typeof answer, SignalAnswer>>();
  if (!answer.accepted && answer.because !== 'notWaiting') void answer.outcome;
  await sagas.signal(id, pay, refused);
  await sagas.signal(id, pay, new StepRejected('no money'));
  // @ts-expect-error another step's event
  await sagas.signal(id, pay, placed);
  // @ts-expect-error a step that awaits nothing
  await sagas.signal(id, reserve, reserved);
  // @ts-expect-error an event is needed
  await sagas.signal(id, pay);
  // @ts-expect-error the rejected event of another step
  await sagas.signal(id, ship, refused);
}

/** A step that waits is a step like any other; its method may return nothing. */
export class Waiting {
  @SagaStep(pay)
  async pay(_stock: StockReserved): Promise<void> {}

  @SagaStep(ship)
  ship(_paid: OrderPaid): void {}

  @Compensates(reserve)
  async release(_stock: StockReserved): Promise<void> {}

  // @ts-expect-error the pivot is never undone
  @Compensates(pay)
  async unpay(_paid: OrderPaid): Promise<void> {}
}

// @ts-expect-error a step awaits a signal and nothing else
defineSaga('awaits', { a: { emits: OrderPlaced, awaits: 'event' } });
// @ts-expect-error a time is a number of milliseconds
defineSaga('deadline', { a: { emits: OrderPlaced, deadline: '5 s' } });
// @ts-expect-error a time is a number of milliseconds
defineSaga('expires', { a: { emits: OrderPlaced, expires: '5 s' } });
// @ts-expect-error a time is a number of milliseconds
defineSaga('saga-deadline', { a: { emits: OrderPlaced } }, { deadline: '5 s' });
