import { Injectable, Module, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Compensates,
  OnSagaEvent,
  SagaModule,
  Sagas,
  SagaStep,
  inMemory,
  kafka,
  type SagaModuleOptions,
} from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { LogLines } from './log-lines.js';
import { Order, Payment, PaymentDone } from './order-saga.js';
import { started } from './scene.js';

/** A decorator as JavaScript may use it, on anything. */
type Decorator = (target: object, property?: unknown, descriptor?: unknown) => void;
const pays = SagaStep(Payment.steps.pay) as Decorator;

function methods(): Type {
  return class Steps {
    pay(): PaymentDone {
      return new PaymentDone({ orderId: 'o1' });
    }
  };
}

/** A class whose method carries this decorator. */
function decorated(decorator: unknown): Type {
  const steps = methods();
  (decorator as Decorator)(
    steps.prototype as object,
    'pay',
    Object.getOwnPropertyDescriptor(steps.prototype as object, 'pay'),
  );
  return steps;
}

/** A class that has, instead of a method, a field. */
function aField(): { readonly prototype: object } {
  return class Steps {
    pay = (): PaymentDone => new PaymentDone({ orderId: 'o1' });
  };
}

describe('a decorator is refused where it is written', () => {
  const onAccessor = (): void => {
    class Steps {
      get pay() {
        return () => new PaymentDone({ orderId: 'o1' });
      }
    }
    pays(Steps.prototype, 'pay', Object.getOwnPropertyDescriptor(Steps.prototype, 'pay'));
  };
  const noMethod =
    'Steps.pay is no method but a field, an accessor or a parameter; write it as a method: pay(input) { ... }.';

  test.each<[string, () => void, string]>([
    ['on an accessor', onAccessor, noMethod],
    ['on a field', () => pays(aField().prototype, 'pay'), noMethod],
    ['on a parameter', () => pays(methods().prototype as object, 'pay', 0), noMethod],
    ['on a static method', () => pays(methods(), 'pay'), 'Steps.pay is static;'],
    ['on a class', () => pays(methods()), 'A saga decorator stands on class Steps, which is no method;'],
    [
      'by a compiler that makes standard decorators of it',
      () => pays(() => undefined, { kind: 'method', name: 'pay' }),
      'set "experimentalDecorators": true in tsconfig.json',
    ],
    [
      'on a compensation and on a listener as well',
      () => {
        const undo = Compensates(Order.steps.place) as Decorator;
        expect(() => undo(aField().prototype, 'pay')).toThrow(noMethod);
        (OnSagaEvent(PaymentDone) as Decorator)(aField().prototype, 'pay');
      },
      noMethod,
    ],
  ])('%s', (_where, write, message) => {
    expect(write).toThrow(message);
  });
});

describe('an application does not start, and is told what to do, when', () => {
  const refusal = async (provider: Type): Promise<string> => {
    const error: unknown = await started({ providers: [provider] }).catch((reason: unknown) => reason);
    return error instanceof Error ? error.message : 'it started';
  };
  const loose = SagaStep as (step: unknown, options?: unknown) => unknown;

  test.each<[string, () => Type, string]>([
    [
      'a step is of another copy of the library',
      () => decorated(loose(Object.freeze({ ...Payment.steps.pay }))),
      'Steps.pay is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser; this one was made by another copy of nest-saga, so look with "npm ls nest-saga" for a second one',
    ],
    [
      'a saga is given for a step',
      () => decorated(loose(Payment)),
      'Steps.pay is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser',
    ],
    [
      'a decorator is given null',
      () => decorated(loose(Payment.steps.pay, null)),
      'Steps.pay has null for options; give it { retry, circuit, transaction }, or nothing',
    ],
    [
      'an option of a decorator is misspelled',
      () => decorated(loose(Payment.steps.pay, { retries: 3 })),
      'Steps.pay has an option retries, which is unknown; there are retry, circuit, transaction',
    ],
    [
      'a class is listened to that is no event',
      () =>
        decorated(
          (OnSagaEvent as (event: unknown) => unknown)(
            class NoEvent {
              readonly type = 7;
            },
          ),
        ),
      'Steps.pay listens to no event; give the decorator an event class, such as UserAssigned',
    ],
  ])('%s', async (_what, provider, violation) => {
    expect((await refusal(provider())).split('\n')).toContain(`  - ${violation}`);
  });

  test.each<[string, unknown, string]>([
    ['an option is misspelled', { retension: { keep: 5 } }, 'retension is unknown; there are service, transport,'],
    ['inMemory is not called', { transport: inMemory }, 'transport made a function instead of a transport; call'],
    ['a transport is promised', { transport: async () => undefined }, 'transport made a promise instead of'],
    [
      'topics are of no name',
      { topics: () => undefined },
      'The option topics gives undefined for event "payment.done" of saga "payment"; return the name of a topic',
    ],
    ['kafka is not called', { transport: kafka }, 'brokers is undefined; it is a list of "host:port"'],
  ])('%s', async (_what, saga, message) => {
    const starting = started({ providers: [decorated(pays)], saga: saga as Partial<SagaModuleOptions> });
    await expect(starting).rejects.toThrow(message);
  });

  test('SagaModule is imported without options', async () => {
    const compiling = Test.createTestingModule({ imports: [SagaModule] })
      .setLogger(new LogLines())
      .compile();
    await expect(compiling).rejects.toThrow(
      'SagaModule is imported without options; import SagaModule.forRoot({ service, transport }) or forRootAsync, once, in the root module',
    );
  });
});

test('a feature module that imports SagaModule bare shares the one of the root', async () => {
  const Steps = decorated(pays);
  Injectable()(Steps);
  @Module({ imports: [SagaModule], providers: [Steps] })
  class Feature {}
  const app = await started({ imports: [Feature] });
  expect((await app.get(Sagas).start(Payment, {})).step).toBe('done');
});

describe('kafka(...) refuses', () => {
  const brokers = ['127.0.0.1:9092'];
  test.each<[string, unknown, string]>([
    ['no options', undefined, 'kafka(...) has no options; give it { brokers: ["127.0.0.1:9092"] }.'],
    ['no brokers', { brokers: [] }, 'brokers is an empty list; it is a list of "host:port", one or more'],
    ['brokers as one text', { brokers: brokers[0] }, 'brokers is "127.0.0.1:9092"; it is a list of "host:port"'],
    ['a broker without a port', { brokers: ['kafka'] }, 'brokers is a list of "kafka"; it is a list of "host:port"'],
    ['a broker with no such port', { brokers: ['kafka:99999'] }, 'brokers is a list of "kafka:99999";'],
    ['an address for a broker', { brokers: ['http://kafka:9092'] }, 'brokers is a list of "http://kafka:9092";'],
    ['a misspelled option', { brokers, createTopic: true }, 'createTopic is unknown; there are brokers, clientId,'],
    ['topics without partitions', { brokers, createTopics: true }, 'createTopics is true; it is false, or {'],
    ['a time before now', { brokers, sessionTimeoutMs: -1 }, 'sessionTimeoutMs is -1; it is milliseconds, 1 or more'],
    ['a size that is a text', { brokers, maxMessageBytes: '1mb' }, 'maxMessageBytes is "1mb"; it is a whole number'],
  ])('%s', (_what, options, message) => {
    expect(() => kafka(options as never)).toThrow(message);
  });

  test('nothing that may be', () => {
    expect(
      typeof kafka({
        brokers: ['[::1]:9092', 'kafka-1.example:9093'],
        clientId: 'shop',
        ssl: true,
        createTopics: false,
        publishTimeoutMs: 5,
      }),
    ).toBe('function');
  });
});
