import { Injectable, Scope, type Type } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Test, type OverrideByFactoryOptions, type TestingModuleBuilder } from '@nestjs/testing';
import { SagaModule, Sagas, SagaStep } from 'nest-saga';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogLines } from './log-lines.js';
import { Payment, PaymentDone } from './order-saga.js';
import { compiled, optionsOf, started } from './scene.js';

const paidBy = (orderId: string): PaymentDone => new PaymentDone({ orderId });

@Injectable()
class Steps {
  @SagaStep(Payment.steps.pay)
  pay(): PaymentDone {
    return paidBy('itself');
  }
}

class Fake {
  pay(): PaymentDone {
    return paidBy('substitute');
  }
}

async function paid(app: { get(token: typeof Sagas): Sagas }): Promise<object | undefined> {
  return (await app.get(Sagas).start(Payment, {})).event;
}

describe('what a test puts in the place of a decorated class', () => {
  const overriding = (override: (builder: TestingModuleBuilder) => TestingModuleBuilder) =>
    override(
      Test.createTestingModule({
        imports: [CqrsModule.forRoot(), SagaModule.forRoot(optionsOf())],
        providers: [Steps],
      }).setLogger(new LogLines()),
    ).compile();
  const factory: OverrideByFactoryOptions = { factory: () => new Fake() };

  test.each<[string, (builder: TestingModuleBuilder) => TestingModuleBuilder]>([
    ['a value', (builder) => builder.overrideProvider(Steps).useValue({ pay: () => paidBy('substitute') })],
    ['a class', (builder) => builder.overrideProvider(Steps).useClass(Fake)],
    ['a factory', (builder) => builder.overrideProvider(Steps).useFactory(factory)],
  ])('does its steps: %s', async (_what, override) => {
    const app = await overriding(override);
    onTestFinished(() => app.close());
    await app.init();
    expect(await paid(app)).toEqual({ orderId: 'substitute' });
  });

  test('does not start without the methods that it stands in for', async () => {
    const app = await overriding((builder) => builder.overrideProvider(Steps).useValue({}));
    onTestFinished(() => app.close());
    await expect(app.init()).rejects.toThrow(
      'Steps.pay is missing in what is provided for Steps; give it a method pay()',
    );
  });
});

describe('a class that a factory makes', () => {
  test.each([
    ['for every request', Scope.REQUEST],
    ['for everyone who asks', Scope.TRANSIENT],
  ])('%s does its steps', async (_when, scope) => {
    let made = 0;
    const useFactory = (): Steps => {
      made += 1;
      return new Steps();
    };
    const app = await started({ providers: [{ provide: Steps, useFactory, scope }] });
    const before = made;
    expect([await paid(app), await paid(app)]).toEqual([{ orderId: 'itself' }, { orderId: 'itself' }]);
    expect(made - before).toBe(2);
  });
});

test('an alias whose class is decorated, of a provider that is made for every request, is no second method', async () => {
  @Injectable({ scope: Scope.REQUEST })
  class Scoped extends Steps {}
  const alias = { provide: Steps as Type, useExisting: Scoped };
  expect(await paid(await started({ providers: [Scoped, alias] }))).toEqual({ orderId: 'itself' });
});

test('an application that was closed is not initialized again: it says so, and holds on to nothing', async () => {
  const app = await compiled({ providers: [Steps] });
  await app.close();
  await expect(app.init()).rejects.toThrow('This application was closed, its sagas with it; make a new one.');
  await expect(app.close()).resolves.toBeUndefined();
});

test('an application that is closed while it starts has started and is closed', async () => {
  const app = await compiled({ providers: [Steps] });
  const starting = app.init();
  await Promise.all([app.close(), app.close()]);
  await expect(starting).resolves.toBe(app);
});
