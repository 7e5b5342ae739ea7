import { Injectable } from '@nestjs/common';
import { EventBus } from '@nestjs/cqrs';
import { Compensates, DomainEvent, SagaStep, Sagas, defineSaga, type StepContext, type TopicNaming } from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AskedPayment, PaymentAsked, PaymentDone } from './order-saga.js';
import { Paying } from './paying-steps.js';
import { eventually, started } from './scene.js';

describe('the local event bus', () => {
  test('starts a saga with an event that is published on it', async () => {
    const app = await started({ providers: [Paying] });
    app.get(EventBus).publish(new PaymentAsked({ orderId: 'o1' }));
    await eventually(() => expect(app.get(Paying).asked).toEqual([new PaymentAsked({ orderId: 'o1' })]));
  });

  test('starts every saga whose definition names the event', async () => {
    const Fraud = defineSaga('fraud-check', { check: { on: PaymentAsked, emits: PaymentDone } });
    const checked: string[] = [];
    @Injectable()
    class Checking {
      @SagaStep(Fraud.steps.check)
      check({ orderId }: PaymentAsked): PaymentDone {
        checked.push(orderId);
        return new PaymentDone({ orderId });
      }
    }
    const app = await started({ providers: [Paying, Checking] });
    app.get(EventBus).publish(new PaymentAsked({ orderId: 'o1' }));
    await eventually(() => expect([checked.length, app.get(Paying).asked.length]).toEqual([1, 1]));
  });

  test('starts one saga with one event, however often and on whichever bus it is published', async () => {
    const app = await started({ providers: [Paying] });
    const event = new PaymentAsked({ orderId: 'o1' });
    app.get(EventBus).publishAll([event, event]);
    app.get(EventBus).publish(event);
    app.get(EventBus).publish(new PaymentAsked({ orderId: 'last' }));
    await eventually(() => expect(app.get(Paying).asked.at(-1)).toMatchObject({ orderId: 'last' }));
    expect(app.get(Paying).asked).toHaveLength(2);
  });
});

test('sagas.start takes the data of the outside event, and checks it', async () => {
  const app = await started({ providers: [Paying] });
  await app.get(Sagas).start(AskedPayment, { orderId: 'o1' });
  expect(app.get(Paying).asked[0]).toBeInstanceOf(PaymentAsked);
  await expect(app.get(Sagas).start(AskedPayment, {} as never)).rejects.toMatchObject({ code: 'INVALID_START_INPUT' });
});

describe('an event of one saga that starts another', () => {
  class CartChecked extends DomainEvent('cart.checked', z.object({ cartId: z.string() })) {}
  class CartReserved extends DomainEvent('cart.reserved', z.object({ cartId: z.string() })) {}
  class Billed extends DomainEvent('cart.billed', z.object({ cartId: z.string() })) {}
  const Checkout = defineSaga('checkout', {
    check: { emits: CartChecked },
    reserve: { after: 'check', emits: CartReserved },
  });
  const Billing = defineSaga('billing', { bill: { on: CartChecked, emits: Billed } });

  @Injectable()
  class Steps {
    readonly billed: StepContext[] = [];
    readonly reserved: string[] = [];
    @SagaStep(Checkout.steps.check)
    check(input: { cartId: string }): CartChecked {
      return new CartChecked(input);
    }
    @Compensates(Checkout.steps.check)
    uncheck(): void {
      return undefined;
    }
    @SagaStep(Checkout.steps.reserve)
    reserve({ cartId }: CartChecked): CartReserved {
      this.reserved.push(cartId);
      return new CartReserved({ cartId });
    }
    @SagaStep(Billing.steps.bill)
    bill({ cartId }: CartChecked, saga: StepContext): Billed {
      this.billed.push(saga);
      return new Billed({ cartId });
    }
  }

  test.each<TopicNaming>(['perSaga', 'perType', 'perDomain'])(
    'starts it once, and is still delivered to its own saga (topics: %s)',
    async (topics) => {
      const app = await started({ providers: [Steps], saga: { topics } });
      const { sagaId } = await app.get(Sagas).start(Checkout, { cartId: 'c1' }, { correlationId: 'http-7' });
      const steps = app.get(Steps);
      await eventually(() => expect(steps.billed).toHaveLength(1));
      await eventually(() => expect(steps.reserved).toEqual(['c1']));
      await app.get(Sagas).start(Checkout, { cartId: 'c2' });
      await eventually(() => expect(steps.billed).toHaveLength(2));
      await eventually(() => expect(steps.reserved).toEqual(['c1', 'c2']));
      expect(steps.billed[0]).toMatchObject({ correlationId: 'http-7' });
      expect(steps.billed[0]!.sagaId).not.toBe(sagaId);
    },
  );
});
