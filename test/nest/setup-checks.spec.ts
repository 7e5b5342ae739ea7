import { Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import {
  Compensates,
  InvalidSagaSetup,
  OnSagaEvent,
  SagaStep,
  defineSaga,
  type SagaModuleOptions,
  type Step,
} from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { CardCharged, Order, OrderCancelled, OrderPlaced, OrderShipped, Payment, PaymentDone } from './order-saga.js';
import { started } from './scene.js';

async function violationsOf(service: ModuleMetadata): Promise<readonly string[]> {
  const error: unknown = await started(service).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidSagaSetup);
  return (error as InvalidSagaSetup).violations;
}

/** Rows in the service's own database. */
const withoutStore = { store: undefined } as unknown as Partial<SagaModuleOptions>;

/** A step as a typing mistake gives it, in JavaScript or with a cast. */
const misspelled = (Order.steps as unknown as Record<string, Step<never, OrderPlaced>>)['plaec']!;

describe('an application does not start when', () => {
  test('a method is decorated for a step that no definition has', async () => {
    @Injectable()
    class Steps {
      @SagaStep(misspelled)
      place(): OrderPlaced {
        return new OrderPlaced({ orderId: 'o1', quantity: 1 });
      }
      @Compensates({ ...Order.steps.place })
      cancel(): OrderCancelled {
        return new OrderCancelled({ orderId: 'o1' });
      }
    }
    expect(await violationsOf({ providers: [Steps] })).toEqual([
      'Steps.place is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser',
      'Steps.cancel is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser',
    ]);
  });

  test('a compensatable step has no compensation', async () => {
    @Injectable()
    class Steps {
      @SagaStep(Order.steps.place)
      place(order: { orderId: string; quantity: number }): OrderPlaced {
        return new OrderPlaced(order);
      }
    }
    expect(await violationsOf({ providers: [Steps] })).toEqual([
      'step "place" of saga "order" comes before the pivot "charge" but this service has no @Compensates for it; add one, or declare the step readOnly',
    ]);
  });

  test('a compensation has no step in this service', async () => {
    @Injectable()
    class Steps {
      @Compensates(Order.steps.place)
      cancel(placed: OrderPlaced): OrderCancelled {
        return new OrderCancelled({ orderId: placed.orderId });
      }
    }
    expect(await violationsOf({ providers: [Steps] })).toEqual([
      'Steps.cancel compensates step "place" of saga "order", whose @SagaStep is not in this service; move both into one service',
    ]);
  });

  test('a compensation is for a step that is never undone', async () => {
    const readOnly = defineSaga('read-only', {
      look: { kind: 'readOnly', emits: OrderPlaced },
      act: { after: 'look', kind: 'pivot', emits: CardCharged },
    });
    @Injectable()
    class Steps {
      @SagaStep(readOnly.steps.look)
      look(): OrderPlaced {
        return new OrderPlaced({ orderId: 'o1', quantity: 1 });
      }
      @Compensates(readOnly.steps.look as never)
      unlook(): undefined {
        return undefined;
      }
      @Compensates(Payment.steps.pay)
      unpay(): undefined {
        return undefined;
      }
    }
    expect(await violationsOf({ providers: [Steps] })).toEqual([
      'Steps.unlook compensates step "look" of saga "read-only", which is never undone (readOnly); remove it',
      'Steps.unpay compensates step "pay" of saga "payment", which is never undone (pivot); remove it',
    ]);
  });

  test('a step has two methods, and each is named with its module', async () => {
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    @Module({ providers: [Steps] })
    class BillingModule {}
    @Module({ providers: [Steps] })
    class ShopModule {}
    expect(await violationsOf({ imports: [BillingModule, ShopModule] })).toEqual([
      'step "pay" of saga "payment" has 2 @SagaStep methods (Steps.pay in BillingModule, Steps.pay in ShopModule); keep one',
    ]);
  });

  test('a step has two compensations', async () => {
    @Injectable()
    class Steps {
      @SagaStep(Order.steps.place)
      place(order: { orderId: string; quantity: number }): OrderPlaced {
        return new OrderPlaced(order);
      }
      @Compensates(Order.steps.place)
      cancel(): OrderCancelled {
        return new OrderCancelled({ orderId: 'o1' });
      }
      @Compensates(Order.steps.place)
      annul(): OrderCancelled {
        return new OrderCancelled({ orderId: 'o1' });
      }
    }
    const [violation] = await violationsOf({ providers: [Steps] });
    expect(violation).toMatch(
      /^step "place" of saga "order" has 2 @Compensates methods \(Steps\.cancel in \w+, Steps\.annul in \w+\); keep one$/,
    );
  });

  test('a listener listens to what nobody emits, or to nothing', async () => {
    @Injectable()
    class Audit {
      @OnSagaEvent(OrderShipped)
      shipped(): void {
        return undefined;
      }
      @OnSagaEvent(undefined as never)
      nothing(): void {
        return undefined;
      }
    }
    expect(await violationsOf({ providers: [Audit] })).toEqual([
      'Audit.shipped listens to "order.shipped", which no saga known to this service emits; add its definition to SagaModule.forRoot({ sagas: [...] })',
      'Audit.nothing listens to no event; give the decorator an event class, such as UserAssigned',
    ]);
  });

  test('two listeners could not be told apart', async () => {
    const listener = () => {
      @Injectable()
      class Audit {
        @OnSagaEvent(PaymentDone)
        paid(): void {
          return undefined;
        }
      }
      return Audit;
    };
    const app = started({ providers: [listener(), listener()], saga: { sagas: [Payment] } });
    await expect(app).rejects.toThrow(
      'there are 2 listeners Audit.paid(payment.done), and each event is for one of them only; give one a name of its own ({ name }), or provide the class once',
    );
  });

  test('two definitions have one name and one version', async () => {
    const other = defineSaga('payment', { pay: { emits: OrderPlaced } });
    const app = started({ saga: { sagas: [Payment, other] } });
    await expect(app).rejects.toThrow(
      'two definitions are version 1 of saga "payment"; give the later one a version of its own: defineSaga(name, steps, { version: 2 })',
    );
  });

  test('a topic that its naming gives cannot exist', async () => {
    const app = started({ saga: { sagas: [Payment], topics: ({ type }) => `event ${type}` } });
    await expect(app).rejects.toThrow(
      'the option topics names a topic "event payment.done"; use up to 249 letters, digits, ".", "_" or "-", the prefix included',
    );
  });

  test('the naming of topics gives a saga one that the library has for dead letters', async () => {
    const naming = ({ type }: { type: string }) => (type === 'payment.done' ? 'saga.dead-letters' : 'payments');
    const app = started({ saga: { sagas: [Payment], topics: naming, prefix: 'test.' } });
    await expect(app).rejects.toThrow(
      'the option topics gives saga "payment" the topic "test.saga.dead-letters", which the library keeps for dead letters; name another',
    );
    const failed = started({ saga: { sagas: [Payment], topics: () => 'saga.compensation.failed' } });
    await expect(failed).rejects.toThrow('gives saga "payment" the topic "saga.compensation.failed"');
  });

  test('a handler has a retry policy that cannot be', async () => {
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay, { retry: { retries: -1, jitter: 2 } })
      pay(): PaymentDone {
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    expect(await violationsOf({ providers: [Steps] })).toEqual([
      'Steps.pay: retry.retries is -1; it is a whole number from 0',
      'Steps.pay: retry.jitter is 2; it is from 0 to 1',
    ]);
  });

  test('there is no DataSource, and nothing else holds its rows', async () => {
    await expect(started({ saga: { ...withoutStore, sagas: [Payment] } })).rejects.toThrow(
      'there is no default TypeORM DataSource; import TypeOrmModule.forRoot(...), or name another with the option dataSource',
    );
    await expect(started({ saga: { ...withoutStore, dataSource: 'orders' } })).rejects.toThrow(
      'there is no TypeORM DataSource named "orders"; import TypeOrmModule.forRoot(...), or name another with the option dataSource',
    );
  });

  test('its DataSource is no Postgres', async () => {
    const dataSource = { provide: getDataSourceToken(), useValue: { options: { type: 'mysql' } } };
    await expect(started({ saga: withoutStore, providers: [dataSource] })).rejects.toThrow(
      'the default TypeORM DataSource is of type "mysql"; sagas live in Postgres',
    );
  });
});

test('one error lists everything that is wrong', async () => {
  @Injectable()
  class Steps {
    @SagaStep(Order.steps.place)
    place(order: { orderId: string; quantity: number }): OrderPlaced {
      return new OrderPlaced(order);
    }
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return new PaymentDone({ orderId: 'o1' });
    }
    @SagaStep(Payment.steps.pay)
    payAgain(): PaymentDone {
      return new PaymentDone({ orderId: 'o1' });
    }
    @Compensates(Order.steps.reserve)
    release(): never {
      throw new Error('never');
    }
  }
  const error: unknown = await started({ providers: [Steps], saga: withoutStore }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'InvalidSagaSetup', code: 'INVALID_SAGA_SETUP', service: 'shop' });
  const { message, violations } = error as InvalidSagaSetup;
  expect(violations).toHaveLength(4);
  expect(message).toBe(
    `Service "shop" cannot take part in its sagas:\n${violations.map((violation) => `  - ${violation}`).join('\n')}`,
  );
});
