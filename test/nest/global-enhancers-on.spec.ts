import {
  Catch,
  Injectable,
  Scope,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, ModuleRef } from '@nestjs/core';
import { Sagas, SagaStep } from 'nest-saga';
import { map, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { Payment, PaymentDone } from './order-saga.js';
import { started, type Service } from './scene.js';

class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

describe('with globalEnhancers: true', () => {
  @Injectable()
  class Steps {
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return new PaymentDone({ orderId: 'o1' });
    }
  }
  const saga = { globalEnhancers: true };

  test('guards are asked, and are told the type of the context, the class, the method and its arguments', async () => {
    const asked: { type: string; type_: unknown; handler: unknown; args: readonly unknown[] }[] = [];
    const recording: CanActivate = {
      canActivate(context) {
        asked.push({
          type: context.getType<string>(),
          type_: context.getClass(),
          handler: context.getHandler(),
          args: context.getArgs(),
        });
        return true;
      },
    };
    const app = await started({ saga, providers: [Steps, { provide: APP_GUARD, useValue: recording }] });
    const { sagaId } = await app.get(Sagas).start(Payment, {});
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ type: 'saga', type_: Steps, handler: Steps.prototype.pay });
    expect(asked[0]!.args[1]).toMatchObject({ sagaId, step: 'pay' });
  });

  test('an interceptor that changes the answer is named', async () => {
    const app = await started({ saga, providers: [Steps, { provide: APP_INTERCEPTOR, useClass: Wrapping }] });
    await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow(
      'passes through interceptors or filters (Wrapping)',
    );
  });

  test('a filter answers for a step that fails', async () => {
    @Injectable()
    class Failing {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        throw new Error('no connection');
      }
    }
    @Catch()
    class Paying {
      catch(): PaymentDone {
        return new PaymentDone({ orderId: 'paid' });
      }
    }
    const app = await started({ saga, providers: [Failing, { provide: APP_FILTER, useClass: Paying }] });
    expect((await app.get(Sagas).start(Payment, {})).event).toEqual({ orderId: 'paid' });
  });

  test.each([
    ['a provider', Scope.REQUEST, (steps: Type): Service => ({ providers: [steps] })],
    ['a controller', Scope.REQUEST, (steps: Type): Service => ({ controllers: [steps] })],
    ['a provider', Scope.TRANSIENT, (steps: Type): Service => ({ providers: [steps] })],
  ])('guards that are made for every call are asked for %s', async (_what, scope, service) => {
    const asked: unknown[] = [];
    @Injectable()
    class Scoped implements CanActivate {
      constructor(private readonly host: ModuleRef) {}
      canActivate(context: ExecutionContext): boolean {
        asked.push(context.getArgByIndex(1));
        return this.host instanceof ModuleRef;
      }
    }
    const given = service(Steps);
    const guard = { provide: APP_GUARD, useClass: Scoped, scope };
    const app = await started({ ...given, saga, providers: [...(given.providers ?? []), guard] });
    const { sagaId } = await app.get(Sagas).start(Payment, {});
    expect(asked).toMatchObject([{ sagaId }]);
  });
});

test('the option is true or false', async () => {
  await expect(started({ saga: { globalEnhancers: 'yes' as never } })).rejects.toThrow(
    'globalEnhancers is "yes"; it is true or false',
  );
});
