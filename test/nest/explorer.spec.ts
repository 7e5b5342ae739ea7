import { Controller, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Compensates, Sagas, SagaStep, type StepContext } from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { LogLines } from './log-lines.js';
import { Order, OrderCancelled, OrderPlaced, Payment, PaymentDone } from './order-saga.js';
import { started } from './scene.js';

@Injectable()
class PaymentSteps {
  readonly calls: string[] = [];

  @SagaStep(Payment.steps.pay)
  pay(_input: object, saga: StepContext): PaymentDone {
    this.calls.push(saga.sagaId);
    return new PaymentDone({ orderId: 'o1' });
  }
}

@Injectable()
class Greeting {
  readonly words = 'good morning';
}

async function startPayment(app: { get(token: typeof Sagas): Sagas }): Promise<object | undefined> {
  const { event } = await app.get(Sagas).start(Payment, {});
  return event;
}

describe('decorated methods are found', () => {
  test('on providers and on controllers, and each is told once in the log', async () => {
    @Controller()
    class Place {
      @SagaStep(Order.steps.place)
      place(order: { orderId: string; quantity: number }): OrderPlaced {
        return new OrderPlaced(order);
      }
      @Compensates(Order.steps.place)
      cancel(placed: OrderPlaced): OrderCancelled {
        return new OrderCancelled({ orderId: placed.orderId });
      }
    }
    const log = new LogLines();
    const app = await started({ providers: [PaymentSteps], controllers: [Place], log });
    const { step } = await app.get(Sagas).start(Order, { orderId: 'o1' });
    expect(step).toBe('done');
    expect(await startPayment(app)).toEqual({ orderId: 'o1' });
    expect(log.lines.filter((line) => / (does|undoes) /.test(line))).toEqual([
      'PaymentSteps.pay does payment.pay',
      'Place.place does order.place',
      'Place.cancel undoes order.place',
    ]);
  });

  test('once, where useExisting gives a provider a second name', async () => {
    const app = await started({
      providers: [PaymentSteps, { provide: 'ALIAS', useExisting: PaymentSteps }],
    });
    await startPayment(app);
    expect(app.get(PaymentSteps).calls).toHaveLength(1);
  });

  test('once, where two tokens have the same instance', async () => {
    const instance = new PaymentSteps();
    const app = await started({
      providers: [
        { provide: 'VALUE', useValue: instance },
        { provide: 'FACTORY', useFactory: () => instance },
      ],
    });
    await startPayment(app);
    expect(instance.calls).toHaveLength(1);
  });

  test('on what an asynchronous factory made', async () => {
    const app = await started({
      providers: [{ provide: 'STEPS', useFactory: async () => new PaymentSteps() }],
    });
    expect(await startPayment(app)).toEqual({ orderId: 'o1' });
  });

  test('on a value and on a class under another token', async () => {
    const app = await started({ providers: [{ provide: 'STEPS', useClass: PaymentSteps }] });
    await startPayment(app);
    expect(app.get<PaymentSteps>('STEPS').calls).toHaveLength(1);
    const other = await started({ providers: [{ provide: 'STEPS', useValue: new PaymentSteps() }] });
    expect(await startPayment(other)).toEqual({ orderId: 'o1' });
  });

  test('beside providers that are no objects', async () => {
    const app = await started({
      providers: [
        PaymentSteps,
        { provide: 'NULL', useValue: null },
        { provide: 'BARE', useValue: Object.create(null) as object },
        { provide: 'TEXT', useValue: 'text' },
        { provide: 'NOTHING', useFactory: () => undefined },
      ],
    });
    expect(await startPayment(app)).toEqual({ orderId: 'o1' });
  });
});

describe('request scope', () => {
  const seen: { readonly instance: object; readonly request: unknown; readonly saga: StepContext }[] = [];

  @Injectable({ scope: Scope.REQUEST })
  class RequestContext {
    constructor(@Inject(REQUEST) readonly request: unknown) {}
  }

  @Injectable({ scope: Scope.REQUEST })
  class ScopedSteps {
    constructor(@Inject(REQUEST) private readonly request: unknown) {}
    @SagaStep(Payment.steps.pay)
    pay(_input: object, saga: StepContext): PaymentDone {
      seen.push({ instance: this, request: this.request, saga });
      return new PaymentDone({ orderId: 'o1' });
    }
  }

  test('gives every step an instance of its own, and REQUEST is the step context', async () => {
    seen.length = 0;
    const app = await started({ providers: [ScopedSteps] });
    await startPayment(app);
    await startPayment(app);
    expect(seen).toHaveLength(2);
    expect(seen[0]!.instance).not.toBe(seen[1]!.instance);
    for (const { request, saga } of seen) expect(request).toBe(saga);
    expect(seen[0]!.saga.sagaId).not.toBe(seen[1]!.saga.sagaId);
  });

  test('reaches a class by what it depends on, on a controller too', async () => {
    seen.length = 0;
    @Controller()
    class Steps {
      constructor(private readonly context: RequestContext) {}
      @SagaStep(Payment.steps.pay)
      pay(_input: object, saga: StepContext): PaymentDone {
        seen.push({ instance: this, request: this.context.request, saga });
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const app = await started({ controllers: [Steps], providers: [RequestContext] });
    await startPayment(app);
    await startPayment(app);
    expect(seen[0]!.instance).not.toBe(seen[1]!.instance);
    expect(seen[0]!.request).toBe(seen[0]!.saga);
  });

  test('takes the instance of the module that has the handler, not of another with the same token', async () => {
    seen.length = 0;
    class Other {
      readonly name = 'other';
    }
    @Module({ providers: [{ provide: 'STEPS', useClass: ScopedSteps }] })
    class First {}
    @Module({ providers: [{ provide: 'STEPS', useClass: Other }] })
    class Second {}
    const app = await started({ imports: [First, Second] });
    await startPayment(app);
    expect(seen[0]!.instance).toBeInstanceOf(ScopedSteps);
  });

  test('a transient provider is made anew for every step, with what it injects', async () => {
    const instances: object[] = [];
    const words: string[] = [];
    @Injectable({ scope: Scope.TRANSIENT })
    class Steps {
      constructor(private readonly greeting: Greeting) {}
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        instances.push(this);
        words.push(this.greeting.words);
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const app = await started({ providers: [Steps, Greeting] });
    await startPayment(app);
    await startPayment(app);
    expect(words).toEqual(['good morning', 'good morning']);
    expect(instances[0]).not.toBe(instances[1]);
  });
});
