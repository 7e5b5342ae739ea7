import { Injectable } from '@nestjs/common';
import { InvalidSagaSetup, Resolves, SagaStep, defineSaga } from 'nest-saga';
import { expect, test } from 'vitest';
import { CardCharged, OrderPlaced, Payment, PaymentDone } from './order-saga.js';
import { started } from './scene.js';

test('an application does not start when a method says what came of a step that cannot have it; every violation is listed', async () => {
  const outside = defineSaga('outside', {
    ask: { effect: 'external', kind: 'readOnly', emits: OrderPlaced },
    act: { after: 'ask', kind: 'pivot', effect: 'external', emits: CardCharged },
  });
  @Injectable()
  class Steps {
    @SagaStep(Payment.steps.pay)
    pay(): PaymentDone {
      return new PaymentDone({ orderId: 'o1' });
    }
    @Resolves(Payment.steps.pay)
    inTheDatabase(): undefined {
      return undefined;
    }
    @SagaStep(outside.steps.ask)
    ask(): OrderPlaced {
      return new OrderPlaced({ orderId: 'o1', quantity: 1 });
    }
    @Resolves(outside.steps.ask)
    once(): undefined {
      return undefined;
    }
    @Resolves(outside.steps.ask)
    twice(): undefined {
      return undefined;
    }
    @Resolves(outside.steps.act)
    elsewhere(): undefined {
      return undefined;
    }
    @Resolves({ ...outside.steps.act })
    ofNoDefinition(): undefined {
      return undefined;
    }
  }
  const error: unknown = await started({ providers: [Steps] }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InvalidSagaSetup);
  expect((error as InvalidSagaSetup).violations).toEqual([
    'Steps.ofNoDefinition is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser',
    'step "ask" of saga "outside" has 2 @Resolves methods (Steps.once in RootTestModule, Steps.twice in RootTestModule); keep one',
    `Steps.inTheDatabase resolves step "pay" of saga "payment", which works in the database, where its outcome is always known; declare the step with effect: 'external', or remove the method`,
    'Steps.elsewhere resolves step "act" of saga "outside", whose @SagaStep is not in this service; move both into one service',
  ]);
});
