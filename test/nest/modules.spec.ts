import { Injectable, Module } from '@nestjs/common';
import { CqrsModule, EventBus } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import { SagaModule, Sagas, SagaStep, inMemory, type SagaModuleOptions } from 'nest-saga';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogLines } from './log-lines.js';
import { Payment, PaymentDone } from './order-saga.js';
import { compiled, optionsOf, started } from './scene.js';

@Injectable()
class Steps {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return new PaymentDone({ orderId: 'o1' });
  }
}

test('without a CqrsModule sagas run all the same', async () => {
  const app = await started({ providers: [Steps], cqrs: [] });
  expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
});

test('a second SagaModule in one application is refused', async () => {
  const second = SagaModule.forRoot(optionsOf({ service: 'billing' }));
  await expect(started({ providers: [Steps], imports: [second] })).rejects.toThrow(
    'SagaModule is imported 2 times (for "shop", "billing"); one application is one service: import it once, in the root module',
  );
});

test('the same SagaModule imported by two modules is one', async () => {
  const saga = SagaModule.forRoot(optionsOf());
  @Module({ imports: [saga], providers: [Steps] })
  class Feature {}
  const app = await Test.createTestingModule({ imports: [CqrsModule.forRoot(), saga, Feature] })
    .setLogger(new LogLines())
    .compile();
  onTestFinished(() => app.close());
  await app.init();
  expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
});

test('a start before the application is initialized is refused', async () => {
  const app = await compiled({ providers: [Steps] });
  await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow(
    'Sagas are ready once the application has been initialized; call app.init() or app.listen() first.',
  );
});

test('an application that was never initialized can be closed', async () => {
  const app = await compiled({ providers: [Steps] });
  await expect(app.close()).resolves.toBeUndefined();
});

test('hooks that run twice bind, subscribe and log once', async () => {
  const log = new LogLines();
  const app = await compiled({ providers: [Steps], log });
  await app.init();
  const { publisher } = app.get(EventBus);
  // As Nest does for a microservice with deferInitialization: every hook of every module once more.
  const again = app as unknown as { callInitHook(): Promise<void>; callBootstrapHook(): Promise<void> };
  await again.callInitHook();
  await again.callBootstrapHook();
  expect(app.get(EventBus).publisher).toBe(publisher);
  await app.get(Sagas).start(Payment, {});
  expect(log.lines.filter((line) => line === 'Steps.pay does payment.pay')).toHaveLength(1);
});

describe('forRootAsync', () => {
  @Injectable()
  class Config {
    readonly service = 'shop';
  }

  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}

  @Injectable()
  class Options {
    createSagaOptions(): SagaModuleOptions {
      return optionsOf({ service: 'shop' });
    }
  }

  @Module({ providers: [Options], exports: [Options] })
  class OptionsModule {}

  const ways: [string, Parameters<typeof SagaModule.forRootAsync>[0]][] = [
    [
      'a factory that injects',
      {
        imports: [ConfigModule],
        inject: [Config],
        useFactory: async ({ service }: Config) => optionsOf({ service }),
      },
    ],
    ['a class', { useClass: Options }],
    ['an existing provider', { imports: [OptionsModule], useExisting: Options }],
  ];

  test.each(ways)('takes its options from %s', async (_what, options) => {
    const app = await Test.createTestingModule({
      imports: [CqrsModule.forRoot(), SagaModule.forRootAsync(options)],
      providers: [Steps],
    })
      .setLogger(new LogLines())
      .compile();
    onTestFinished(() => app.close());
    await app.init();
    expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
  });
});

test('two services in one process share a transport and nothing else', async () => {
  const transport = inMemory();
  const first = await started({ providers: [Steps], saga: { transport } });
  const second = await started({ saga: { service: 'other', transport, sagas: [Payment] } });
  expect((await first.get(Sagas).start(Payment, {})).step).toBe('done');
  await expect(second.get(Sagas).start(Payment, {})).rejects.toThrow(
    'Saga "payment" version 1 starts with step "pay", which service "other" does not implement; start it where @SagaStep(pay) is.',
  );
});
