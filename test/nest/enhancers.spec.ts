import {
  Catch,
  Controller,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { Sagas, SagaStep, StepRejected, type Started, type StepContext } from 'nest-saga';
import { EMPTY, map, of, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { AskedPayment, Payment, PaymentAsked, PaymentDone } from './order-saga.js';
import { started, type Service } from './scene.js';

@Injectable()
class Permissions {
  denied = true;
}

@Injectable()
class Permitted implements CanActivate {
  constructor(private readonly permissions: Permissions) {}
  canActivate(): boolean {
    return !this.permissions.denied;
  }
}

async function startWith(service: Service): Promise<Started> {
  const app = await started(service);
  return app.get(Sagas).start(Payment, {});
}

const pay = (): PaymentDone => new PaymentDone({ orderId: 'o1' });

describe('guards', () => {
  @Injectable()
  @UseGuards(Permitted)
  class GuardedClass {
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return pay();
    }
  }

  @Injectable()
  class GuardedMethod {
    @UseGuards(Permitted)
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return pay();
    }
  }

  @Controller()
  @UseGuards(Permitted)
  class GuardedController {
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return pay();
    }
  }

  const places: [string, (steps: Type) => Service, Type][] = [
    ['of a class', (steps) => ({ providers: [steps, Permissions] }), GuardedClass],
    ['of a method', (steps) => ({ providers: [steps, Permissions] }), GuardedMethod],
    ['of a controller', (steps) => ({ controllers: [steps], providers: [Permissions] }), GuardedController],
    [
      'of a class under another token',
      (steps) => ({ providers: [{ provide: 'STEPS', useClass: steps }, Permissions] }),
      GuardedClass,
    ],
  ];

  test.each(places)('%s keep a step from running, and let it run', async (_where, service, steps) => {
    const app = await started(service(steps));
    await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow('Forbidden resource');
    app.get(Permissions).denied = false;
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
  });

  test('that nobody can make an instance of stop the application from starting', async () => {
    await expect(started({ providers: [{ provide: 'STEPS', useFactory: () => new GuardedClass() }] })).rejects.toThrow(
      'GuardedClass.pay has Permitted, of which Nest makes no instance because a factory or a value provides GuardedClass; provide the class itself, or give the decorator an instance',
    );
  });
});

describe('interceptors', () => {
  @Injectable()
  class Discounted implements NestInterceptor<PaymentDone, PaymentDone> {
    intercept(_context: ExecutionContext, next: CallHandler<PaymentDone>): Observable<PaymentDone> {
      return next.handle().pipe(map(({ orderId }) => new PaymentDone({ orderId: `${orderId}, discounted` })));
    }
  }

  test('wrap a step and may change its answer', async () => {
    @Controller()
    class Steps {
      @UseInterceptors(Discounted)
      @SagaStep(Payment.steps.pay)
      async pay(): Promise<PaymentDone> {
        return pay();
      }
    }
    const { event } = await startWith({ controllers: [Steps] });
    expect(event).toEqual({ orderId: 'o1, discounted' });
  });
});

describe('an answer that is no event', () => {
  class Wrapping implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(map((data: unknown) => ({ data })));
    }
  }

  @Injectable()
  class Wrapped {
    @UseInterceptors(new Wrapping())
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return pay();
    }
  }

  test('is told with the interceptors that it passed through', async () => {
    await expect(startWith({ providers: [Wrapped] })).rejects.toThrow(
      'Step "pay" of saga "payment" answered with something that is no event; return a payment.done, or publish it on the event bus inside the step; for a business no, throw a StepRejected. Its answer passes through interceptors or filters (Wrapping), which may have changed it: let them hand events on as they are.',
    );
  });
});

describe('pipes', () => {
  const piped: unknown[] = [];

  class Recording implements PipeTransform {
    transform(value: unknown): unknown {
      piped.push(value);
      return value;
    }
  }

  /** What a validation pipe with a whitelist makes of a class without rules. */
  class Emptying implements PipeTransform {
    transform(): object {
      return {};
    }
  }

  @Injectable()
  class Plain {
    static readonly asked: PaymentAsked[] = [];
    @SagaStep(AskedPayment.steps.pay)
    pay(asked: PaymentAsked): PaymentDone {
      Plain.asked.push(asked);
      return new PaymentDone(asked);
    }
  }

  test('of the whole application do not touch events', async () => {
    const app = await started({ providers: [Plain, { provide: APP_PIPE, useClass: Emptying }] });
    const { event } = await app.get(Sagas).start(AskedPayment, { orderId: 'o7' });
    expect(event).toEqual({ orderId: 'o7' });
  });

  test('of the method are given the input and not the context, and those of the whole application still nothing', async () => {
    piped.length = 0;
    let context: StepContext | undefined;
    @Injectable()
    class Steps {
      @UsePipes(Recording)
      @SagaStep(AskedPayment.steps.pay)
      pay(asked: PaymentAsked, saga: StepContext): PaymentDone {
        context = saga;
        return new PaymentDone(asked);
      }
    }
    const app = await started({ providers: [Steps, { provide: APP_PIPE, useClass: Emptying }] });
    const { event, sagaId } = await app.get(Sagas).start(AskedPayment, { orderId: 'o7' });
    expect(event).toEqual({ orderId: 'o7' });
    expect(piped).toEqual([new PaymentAsked({ orderId: 'o7' })]);
    expect(context).toMatchObject({ sagaId });
  });

  test('may change the input, on a class and on a request-scoped controller too', async () => {
    class Doubling implements PipeTransform<PaymentAsked, PaymentAsked> {
      transform({ orderId }: PaymentAsked): PaymentAsked {
        return new PaymentAsked({ orderId: orderId + orderId });
      }
    }
    @Controller({ scope: Scope.REQUEST })
    @UsePipes(new Doubling())
    class Steps {
      @SagaStep(AskedPayment.steps.pay)
      pay(asked: PaymentAsked): PaymentDone {
        return new PaymentDone(asked);
      }
    }
    const app = await started({ controllers: [Steps] });
    const { event } = await app.get(Sagas).start(AskedPayment, { orderId: 'o7' });
    expect(event).toEqual({ orderId: 'o7o7' });
  });
});

describe('exception filters', () => {
  @Catch(TypeError)
  class NoStock implements ExceptionFilter {
    catch(error: TypeError): never {
      throw new StepRejected(error.message);
    }
  }

  @Catch()
  class Answering implements ExceptionFilter {
    constructor(private readonly answer: () => unknown) {}
    catch(): unknown {
      return this.answer();
    }
  }

  function failing(filter: ExceptionFilter | Type<ExceptionFilter>, thrown: Error): Service {
    @Injectable()
    @UseFilters(filter)
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        throw thrown;
      }
    }
    return { providers: [Steps] };
  }

  test('of a class translate what a step throws, and leave what is not theirs', async () => {
    const { step, event } = await startWith(failing(NoStock, new TypeError('nothing left')));
    expect([step, event]).toEqual(['rejected', { failedStep: 'pay', reason: 'nothing left' }]);
    await expect(startWith(failing(NoStock, new RangeError('no connection')))).rejects.toThrow('no connection');
  });

  test.each([
    ['as they are', (): unknown => pay()],
    ['later', (): unknown => Promise.resolve(pay())],
    ['as those of microservices do', (): unknown => of(pay())],
  ])('answer in the place of the step, %s', async (_how, answer) => {
    const { step } = await startWith(failing(new Answering(answer), new Error('no connection')));
    expect(step).toBe('done');
  });

  test.each([
    ['nothing', (): unknown => undefined],
    ['nothing later', (): unknown => Promise.resolve()],
    ['an observable of nothing', (): unknown => EMPTY],
  ])('that answer with %s do not make a failure of a step disappear', async (_what, answer) => {
    await expect(startWith(failing(new Answering(answer), new Error('no connection')))).rejects.toThrow(
      'no connection',
    );
  });

  test('do not see a rejection, which is no error', async () => {
    const { step } = await startWith(failing(new Answering(() => ({ status: 500 })), new StepRejected('sold out')));
    expect(step).toBe('rejected');
  });

  test('that break on a step, as those for requests do, do not hide why it failed', async () => {
    const breaking = new Answering(() => (undefined as unknown as { status(code: number): void }).status(500));
    const cause = new Error('no connection');
    await expect(startWith(failing(breaking, cause))).rejects.toMatchObject({ name: 'TypeError', cause });
  });
});
