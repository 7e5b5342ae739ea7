import { Injectable } from '@nestjs/common';
import { Compensates, Sagas, SagaStep, defineSaga } from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { Order, OrderCancelled, OrderPlaced, Payment, PaymentDone } from './order-saga.js';
import { started } from './scene.js';

/** Replaces the method, as many decorators of other libraries do. */
function Wrapped(calls: string[], name: string) {
  return (_target: object, _property: string | symbol, descriptor: PropertyDescriptor): PropertyDescriptor => {
    const method = descriptor.value as (...args: unknown[]) => unknown;
    return {
      ...descriptor,
      value: function (this: unknown, ...args: unknown[]): unknown {
        calls.push(name);
        return method.apply(this, args);
      },
    };
  };
}

const pay = (): PaymentDone => new PaymentDone({ orderId: 'o1' });

describe('metadata of decorated methods', () => {
  test('survives decorators above and below that replace the method, and the method that runs is the outermost', async () => {
    const calls: string[] = [];
    @Injectable()
    class Steps {
      @Wrapped(calls, 'above')
      @SagaStep(Payment.steps.pay)
      @Wrapped(calls, 'below')
      pay(): PaymentDone {
        return pay();
      }
    }
    const app = await started({ providers: [Steps] });
    const result = await app.get(Sagas).start(Payment, {});
    expect(result.step).toBe('done');
    expect(calls).toEqual(['above', 'below']);
  });

  test('is inherited, and an overriding method takes the place of the one that was decorated', async () => {
    class Base {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return pay();
      }
    }
    @Injectable()
    class Steps extends Base {
      override pay(): PaymentDone {
        return new PaymentDone({ orderId: 'overridden' });
      }
    }
    const app = await started({ providers: [Steps] });
    const result = await app.get(Sagas).start(Payment, {});
    expect(result.event).toEqual({ orderId: 'overridden' });
  });

  test('of an overriding method that is decorated anew counts once', async () => {
    class Base {
      @SagaStep(Payment.steps.pay, { retry: { retries: 1 } })
      pay(): PaymentDone {
        return pay();
      }
    }
    @Injectable()
    class Steps extends Base {
      @SagaStep(Payment.steps.pay, { retry: { retries: 2 } })
      override pay(): PaymentDone {
        return pay();
      }
    }
    const app = await started({ providers: [Steps] });
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
  });

  test('does not leak from a class to those that extend its base', async () => {
    class Base {
      readonly name = 'base';
    }
    @Injectable()
    class Steps extends Base {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return pay();
      }
    }
    @Injectable()
    class Other extends Base {}
    const app = await started({ providers: [Steps, Other] });
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
  });

  test('is found on methods whose names are symbols', async () => {
    const place = Symbol('place');
    const cancel = Symbol('cancel');
    @Injectable()
    class Steps {
      @SagaStep(Order.steps.place)
      [place](input: { orderId: string; quantity: number }): OrderPlaced {
        return new OrderPlaced(input);
      }
      @Compensates(Order.steps.place)
      [cancel](placed: OrderPlaced): OrderCancelled {
        return new OrderCancelled({ orderId: placed.orderId });
      }
    }
    const app = await started({ providers: [Steps] });
    expect((await app.get(Sagas).start(Order, { orderId: 'o1' })).event).toEqual({ orderId: 'o1', quantity: 1 });
  });

  test('one method may do steps of several sagas', async () => {
    const Other = defineSaga('other-payment', { pay: { emits: PaymentDone } });
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      @SagaStep(Other.steps.pay)
      pay(): PaymentDone {
        return pay();
      }
    }
    const app = await started({ providers: [Steps] });
    const first = await app.get(Sagas).start(Payment, {});
    const second = await app.get(Sagas).start(Other, {});
    expect([first.step, second.step]).toEqual(['done', 'done']);
  });

  test('on a static method is refused where it is written', () => {
    expect(() => {
      class Steps {
        readonly name = 'steps';
        @SagaStep(Payment.steps.pay)
        static pay(): PaymentDone {
          return pay();
        }
      }
      return Steps;
    }).toThrow(/Steps\.pay is static; .*instance/);
  });
});
