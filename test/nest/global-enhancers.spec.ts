import {
  Catch,
  Controller,
  Inject,
  Injectable,
  Scope,
  UnauthorizedException,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { Compensates, OnSagaEvent, SagaServer, Sagas, SagaStep, StepRejected, inMemory } from 'nest-saga';
import { map, type Observable } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  Order,
  OrderCancelled,
  OrderPlaced,
  Payment,
  PaymentDone,
  StockReleased,
  StockReserved,
} from './order-saga.js';
import { compiled, eventually, started, type Service } from './scene.js';

class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

/** What a class serializer makes of an answer. */
class Serializing implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler<object>): Observable<unknown> {
    return next.handle().pipe(map((data) => ({ ...data })));
  }
}

/** What a validation pipe with a whitelist makes of a class without rules. */
class Emptying implements PipeTransform {
  transform(): object {
    return {};
  }
}

/** As request loggers do. */
class Logging implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    return next.handle().pipe(map((data: unknown) => headers['user-agent'] && data));
  }
}

class Authenticated implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<{ headers?: { authorization?: string } }>();
    if (!headers?.authorization) throw new UnauthorizedException();
    return true;
  }
}

@Catch()
class Responding {
  catch(): object {
    return { statusCode: 500 };
  }
}

const setups: [string, (app: INestApplication) => unknown][] = [
  ['a serializer', (app) => app.useGlobalInterceptors(new Serializing())],
  ['an interceptor that wraps answers', (app) => app.useGlobalInterceptors(new Wrapping())],
  ['an interceptor that logs requests', (app) => app.useGlobalInterceptors(new Logging())],
  ['a guard', (app) => app.useGlobalGuards(new Authenticated())],
  ['a filter', (app) => app.useGlobalFilters(new Responding())],
  ['a pipe', (app) => app.useGlobalPipes(new Emptying())],
];

const provided: [string, NonNullable<ModuleMetadata['providers']>[number]][] = [
  ['a guard', { provide: APP_GUARD, useClass: Authenticated }],
  ['an interceptor', { provide: APP_INTERCEPTOR, useClass: Wrapping }],
  ['a filter', { provide: APP_FILTER, useClass: Responding }],
  ['a request-scoped guard', { provide: APP_GUARD, useClass: Authenticated, scope: Scope.REQUEST }],
  ['a request-scoped interceptor', { provide: APP_INTERCEPTOR, useClass: Wrapping, scope: Scope.REQUEST }],
  ['a request-scoped filter', { provide: APP_FILTER, useClass: Responding, scope: Scope.REQUEST }],
  ['a request-scoped pipe', { provide: APP_PIPE, useClass: Emptying, scope: Scope.REQUEST }],
  ['a transient guard', { provide: APP_GUARD, useClass: Authenticated, scope: Scope.TRANSIENT }],
];

/** All kinds of methods, and what they were called for. */
function order(scope?: Scope) {
  const log: string[] = [];
  @Injectable()
  class Steps {
    @SagaStep(Order.steps.place)
    place({ orderId }: { orderId: string }): OrderPlaced {
      log.push('place');
      return new OrderPlaced({ orderId, quantity: 1 });
    }
    @Compensates(Order.steps.place)
    unplace({ orderId }: OrderPlaced): OrderCancelled {
      log.push('unplace');
      return new OrderCancelled({ orderId });
    }
    @SagaStep(Order.steps.reserve)
    reserve(): StockReserved {
      throw new StepRejected('sold out');
    }
    @Compensates(Order.steps.reserve)
    unreserve({ orderId }: StockReserved): StockReleased {
      return new StockReleased({ orderId });
    }
    @OnSagaEvent(OrderPlaced)
    heard(): void {
      log.push('heard');
    }
  }
  Injectable({ ...(scope !== undefined && { scope }) })(Steps);
  return { Steps, log };
}

/** A saga that closes backwards, and what was called for it. */
async function closed(app: Pick<INestApplication, 'get'>, log: readonly string[]): Promise<readonly string[]> {
  await app.get(Sagas).start(Order, { orderId: 'o1' });
  await eventually(() => expect(log).toHaveLength(3));
  return log.toSorted();
}

const all = ['heard', 'place', 'unplace'];

describe('enhancers of the whole application touch no step, no compensation and no listener', () => {
  test.each(setups)('%s given to the application', async (_what, setup) => {
    const { Steps, log } = order();
    const module = await compiled({ providers: [Steps] });
    const app = module.createNestApplication();
    onTestFinished(() => app.close());
    setup(app);
    await app.init();
    expect(await closed(app, log)).toEqual(all);
  });

  test.each(provided)('%s provided', async (_what, provider) => {
    const { Steps, log } = order();
    expect(await closed(await started({ providers: [Steps, provider] }), log)).toEqual(all);
  });

  test.each(provided)('%s provided, for steps of a controller', async (_what, provider) => {
    const { Steps, log } = order();
    Controller()(Steps);
    expect(await closed(await started({ controllers: [Steps], providers: [provider] }), log)).toEqual(all);
  });

  test.each(provided)('%s provided, for steps that are request-scoped', async (_what, provider) => {
    const { Steps, log } = order(Scope.REQUEST);
    expect(await closed(await started({ providers: [Steps, provider] }), log)).toEqual(all);
  });

  test('those of a hybrid application whose microservices inherit them', async () => {
    const { Steps, log } = order();
    const module = await compiled({ providers: [Steps], saga: { consume: 'manual', transport: inMemory() } });
    const app = module.createNestApplication();
    onTestFinished(() => app.close());
    app.useGlobalInterceptors(new Wrapping());
    app.useGlobalGuards(new Authenticated());
    app.connectMicroservice<MicroserviceOptions>({ strategy: app.get(SagaServer) }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    expect(await closed(app, log)).toEqual(all);
  });

  test.each([
    ['a provider', (steps: Type): Service => ({ providers: [steps] })],
    ['a controller', (steps: Type): Service => ({ controllers: [steps] })],
  ])('one that is request-scoped is not even made for a step of %s', async (_what, service) => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class OfARequest implements CanActivate {
      constructor(@Inject(REQUEST) { headers }: { headers: Record<string, string> }) {
        made += 1;
        if (!headers['authorization']) throw new UnauthorizedException();
      }
      canActivate(): boolean {
        return true;
      }
    }
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const given = service(Steps);
    const app = await started({
      ...given,
      providers: [...(given.providers ?? []), { provide: APP_GUARD, useClass: OfARequest }],
    });
    const { step } = await app.get(Sagas).start(Payment, {});
    expect([step, made]).toEqual(['done', 0]);
  });

  test('a class of steps stays one instance beside a request-scoped guard', async () => {
    let made = 0;
    @Injectable()
    class Steps {
      constructor() {
        made += 1;
      }
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const guard = { provide: APP_GUARD, useClass: Authenticated, scope: Scope.REQUEST };
    const app = await started({ providers: [Steps, guard] });
    await app.get(Sagas).start(Payment, {});
    await app.get(Sagas).start(Payment, {});
    expect(made).toBe(1);
  });
});
