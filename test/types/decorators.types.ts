import {
  Compensates,
  OnSagaEvent,
  Resolves,
  SagaStep,
  defineSaga,
  type CompensationContext,
  type ListenerContext,
  type StepContext,
} from 'nest-saga';
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
  StockReturned,
} from './events.js';

const { steps } = defineSaga('order', {
  place: { input: z.object({ customer: z.string() }), emits: OrderPlaced, compensated: OrderDropped },
  reserve: { after: 'place', emits: StockReserved, rejected: StockRefused, compensated: StockReleased },
  check: { after: 'place', emits: CustomerChecked },
  pay: { after: ['reserve', 'check'], kind: 'pivot', emits: OrderPaid, rejected: PaymentRefused },
  ship: { after: 'pay', kind: 'retriable', emits: OrderShipped },
});

declare const reserved: StockReserved;
declare const refused: StockRefused;
declare const released: StockReleased;
declare const returned: StockReturned;
declare const placed: OrderPlaced;
declare const paid: OrderPaid;
declare const shipped: OrderShipped;

/** Everything that a method of a step may look like. */
export class Allowed {
  @SagaStep(steps.reserve)
  async whole(_order: OrderPlaced, _saga: StepContext): Promise<StockReserved | StockRefused> {
    return refused;
  }

  @SagaStep(steps.reserve)
  async withoutContext(_order: OrderPlaced): Promise<StockReserved> {
    return reserved;
  }

  @SagaStep(steps.reserve)
  synchronousAndWithoutInput(): StockReserved {
    return reserved;
  }

  @SagaStep(steps.reserve, { retry: { retries: 5 } })
  async onlyThePartOfTheInputThatItNeeds(_order: { readonly orderId: string }): Promise<StockReserved> {
    return reserved;
  }

  @SagaStep(steps.reserve)
  async publishesItsEventInstead(_order: OrderPlaced): Promise<void> {}

  @SagaStep(steps.place)
  async startInput(_order: { customer: string }): Promise<OrderPlaced> {
    return placed;
  }

  @SagaStep(steps.pay)
  async join({ reserve, check }: { reserve: StockReserved; check: CustomerChecked }): Promise<OrderPaid> {
    void [reserve.reservationId, check.rating];
    return paid;
  }

  @SagaStep(steps.ship, {
    retry: {
      on: [
        { error: TypeError, retries: 0 },
        { error: PaymentAway, retries: 9, maxDelay: 5_000 },
      ],
    },
    circuit: { failures: 3 },
  })
  async withPoliciesByError(): Promise<OrderShipped> {
    return shipped;
  }

  @Resolves(steps.pay)
  async knows(
    { reserve }: { reserve: StockReserved },
    _saga: StepContext,
  ): Promise<OrderPaid | PaymentRefused | undefined> {
    return reserve.reservationId === '' ? undefined : paid;
  }

  @Resolves(steps.pay)
  knowsThatItDidNotHappen(): undefined {
    return undefined;
  }

  @Resolves(steps.ship)
  async knowsAndSaysNothing(): Promise<void> {}

  @Compensates(steps.reserve, { circuit: 'off' })
  async undo(_stock: StockReserved, saga: CompensationContext): Promise<StockReleased> {
    void saga.cause.reason;
    return released;
  }

  @Compensates(steps.reserve)
  undoWithoutParameters(): StockReleased {
    return released;
  }

  @Compensates(steps.check)
  async defaultEventIsMadeByTheLibrary(_checked: CustomerChecked): Promise<void> {}

  @OnSagaEvent(OrderPaid)
  async listen(paidOrder: OrderPaid, _saga: ListenerContext): Promise<number> {
    return paidOrder.chargeId.length;
  }
}

declare class PaymentAway extends Error {
  constructor(provider: string);
}

/** Everything that it may not. */
export class Refused {
  // @ts-expect-error what came of a step is an event of that step
  @Resolves(steps.pay)
  async anotherStepsEvent(): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error the input is that of the step
  @Resolves(steps.pay)
  async wrongInputOfResolution(_order: OrderPlaced): Promise<OrderPaid> {
    return paid;
  }

  // @ts-expect-error a retriable step is not rejected
  @Resolves(steps.ship)
  async rejectsWhatMustBeDone(): Promise<PaymentRefused> {
    throw new Error('never');
  }

  // @ts-expect-error a rule is for a class of errors
  @SagaStep(steps.ship, { retry: { on: [{ error: 'TypeError', retries: 0 }] } })
  async ruleWithoutAClass(): Promise<OrderShipped> {
    return shipped;
  }

  // @ts-expect-error the input is the event of the predecessor
  @SagaStep(steps.reserve)
  async wrongInput(_order: OrderPaid): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error one predecessor: its event, not one by name
  @SagaStep(steps.reserve)
  async namedInput(_order: { place: OrderPlaced }): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error several predecessors: one event of each by name
  @SagaStep(steps.pay)
  async singleInput(_stock: StockReserved): Promise<OrderPaid> {
    return paid;
  }

  // @ts-expect-error "ship" is no predecessor
  @SagaStep(steps.pay)
  async strangerInput(_input: { reserve: StockReserved; ship: OrderShipped }): Promise<OrderPaid> {
    return paid;
  }

  // @ts-expect-error the start input is the output of its schema
  @SagaStep(steps.place)
  async wrongStartInput(_order: { client: string }): Promise<OrderPlaced> {
    return placed;
  }

  // @ts-expect-error the event of another step
  @SagaStep(steps.reserve)
  async wrongResult(_order: OrderPlaced): Promise<OrderPaid> {
    return paid;
  }

  // @ts-expect-error one of the two results is no event of the step
  @SagaStep(steps.reserve)
  async partlyWrongResult(_order: OrderPlaced): Promise<StockReserved | PaymentRefused> {
    return reserved;
  }

  // @ts-expect-error data is no event
  @SagaStep(steps.reserve)
  async plainResult(_order: OrderPlaced): Promise<{ reservationId: string }> {
    return { reservationId: 'r-1' };
  }

  // @ts-expect-error a result that is no event at all
  @SagaStep(steps.reserve)
  async scalarResult(_order: OrderPlaced): Promise<string> {
    return 'r-1';
  }

  // @ts-expect-error a retriable step is never rejected
  @SagaStep(steps.ship)
  async rejectedAfterThePivot(_paid: OrderPaid): Promise<OrderShipped | PaymentRefused> {
    return shipped;
  }

  // @ts-expect-error the second parameter is the context
  @SagaStep(steps.reserve)
  async wrongContext(_order: OrderPlaced, _saga: { tenant: string }): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error there is no third parameter
  @SagaStep(steps.reserve)
  async tooManyParameters(_order: OrderPlaced, _saga: StepContext, _extra: string): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error a step's context has no cause: only a compensation has
  @SagaStep(steps.reserve)
  async compensationContext(_order: OrderPlaced, _saga: CompensationContext): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error a step is a method
  @SagaStep(steps.reserve)
  notAMethod = reserved;

  // @ts-expect-error the pivot is never undone
  @Compensates(steps.pay)
  async undoPivot(_paid: OrderPaid): Promise<void> {}

  // @ts-expect-error a retriable step is never undone
  @Compensates(steps.ship)
  async undoRetriable(_shipped: OrderShipped): Promise<void> {}

  // @ts-expect-error what is undone is the step's own event
  @Compensates(steps.reserve)
  async undoOfTheWrongEvent(_order: OrderPlaced): Promise<StockReleased> {
    return released;
  }

  // @ts-expect-error an event of the same shape under another name
  @Compensates(steps.reserve)
  async undoWithTheWrongResult(_stock: StockReserved): Promise<StockReturned> {
    return returned;
  }

  // @ts-expect-error without a declared compensated event nothing is returned
  @Compensates(steps.check)
  async undoWithAnUndeclaredResult(_checked: CustomerChecked): Promise<StockReleased> {
    return released;
  }

  // @ts-expect-error another event than the one listened to
  @OnSagaEvent(OrderPaid)
  async listenWrongly(_order: OrderPlaced): Promise<void> {}

  // @ts-expect-error no step
  @SagaStep('reserve')
  async byName(_order: OrderPlaced): Promise<StockReserved> {
    return reserved;
  }

  // @ts-expect-error no option of a handler
  @SagaStep(steps.reserve, { retries: 3 })
  async wrongOption(_order: OrderPlaced): Promise<StockReserved> {
    return reserved;
  }
}

const Inner = defineSaga(
  'inner',
  { begin: { input: z.object({ orderId: z.string() }), emits: OrderPaid } },
  { commits: 'withParent' },
);
const Outer = defineSaga('outer', {
  place: { emits: OrderPlaced },
  settle: { after: 'place', saga: Inner, emits: StockReserved },
  pay: { after: 'settle', kind: 'pivot', emits: OrderShipped },
});

/** A step that is a saga of its own: its method says what that one starts with. */
export class Nested {
  @SagaStep(Outer.steps.settle)
  begins(order: OrderPlaced): { orderId: string } {
    return { orderId: order.orderId };
  }

  // @ts-expect-error: it is no start input of the inner saga
  @SagaStep(Outer.steps.settle)
  answersItself(_order: OrderPlaced): { readonly paid: boolean } {
    return { paid: true };
  }

  // @ts-expect-error: the inner saga undoes itself
  @Compensates(Outer.steps.settle)
  undoes(): void {}
}
