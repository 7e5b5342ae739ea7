import {
  Catch,
  Controller,
  Inject,
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
import { APP_FILTER, APP_GUARD, APP_PIPE, REQUEST } from '@nestjs/core';
import { Sagas, SagaStep, type Started, type StepContext } from 'nest-saga';
import { map, type Observable } from 'rxjs';
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

  test('of the whole application are asked, and are told the type of the context, the class, the method and its arguments', async () => {
    const asked: { type: string; type_: unknown; handler: unknown; args: readonly unknown[] }[] = [];
    @Injectable()
    class Recording implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        asked.push({
          type: context.getType<string>(),
          type_: context.getClass(),
          handler: context.getHandler(),
          args: context.getArgs(),
        });
        return true;
      }
    }
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return pay();
      }
    }
    const { sagaId } = await startWith({ providers: [Steps, { provide: APP_GUARD, useClass: Recording }] });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ type: 'saga', type_: Steps, handler: Steps.prototype.pay });
    expect(asked[0]!.args[1]).toMatchObject({ sagaId, step: 'pay' });
  });

  test.each([
    ['a provider', (steps: Type): Service => ({ providers: [steps] })],
    ['a controller', (steps: Type): Service => ({ controllers: [steps] })],
  ])('of the whole application that are request-scoped are asked for %s', async (_what, service) => {
    const requests: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class Scoped implements CanActivate {
      constructor(@Inject(REQUEST) private readonly request: unknown) {}
      canActivate(): boolean {
        requests.push(this.request);
        return true;
      }
    }
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return pay();
      }
    }
    const given = service(Steps);
    const { sagaId } = await startWith({
      ...given,
      providers: [...(given.providers ?? []), { provide: APP_GUARD, useClass: Scoped }],
    });
    expect(requests).toMatchObject([{ sagaId }]);
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
  @Catch()
  class Swallowing implements ExceptionFilter {
    catch(): Promise<PaymentDone> {
      return Promise.resolve(pay());
    }
  }

  test('do not make a failure of a step disappear', async () => {
    @Injectable()
    class Steps {
      @UseFilters(Swallowing)
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        throw new Error('no connection');
      }
    }
    await expect(startWith({ providers: [Steps, { provide: APP_FILTER, useClass: Swallowing }] })).rejects.toThrow(
      'no connection',
    );
  });
});
