import { Injectable } from '@nestjs/common';
import {
  DomainEvent,
  OnSagaEvent,
  SagaStep,
  Sagas,
  StepRejected,
  defineSaga,
  inMemory,
  type ClosingData,
} from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { LogLines } from './log-lines.js';
import { CardRefused, Order, OrderCancelled, OrderPlaced, OrderShipped, StockReleased } from './order-saga.js';
import { PlaceSteps, ReserveSteps, ShipSteps, allSteps } from './order-steps.js';
import { eventually, started } from './scene.js';

let transport: ReturnType<typeof inMemory>;
beforeEach(() => {
  transport = inMemory();
});

describe('a listener', () => {
  test('may listen to several events with one method, and hears all of them of one saga', async () => {
    const heard: string[] = [];
    @Injectable()
    class Log {
      @OnSagaEvent(OrderPlaced)
      @OnSagaEvent(OrderShipped)
      any(event: OrderPlaced | OrderShipped): void {
        heard.push(event.constructor.name);
      }
    }
    await started({ providers: [Log], saga: { service: 'audit', transport, sagas: [Order] } });
    const app = await started({ providers: allSteps, saga: { transport } });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(heard).toEqual(['OrderPlaced', 'OrderShipped']));
  });

  test('hears the events of the way back', async () => {
    const heard: object[] = [];
    @Injectable()
    class Log {
      @OnSagaEvent(CardRefused)
      refused(event: CardRefused): void {
        heard.push(event);
      }
      @OnSagaEvent(StockReleased)
      released(event: StockReleased): void {
        heard.push(event);
      }
      @OnSagaEvent(OrderCancelled)
      cancelled(event: OrderCancelled): void {
        heard.push(event);
      }
      @OnSagaEvent(Order.steps.ship.events.cancelled)
      notShipped(event: object): void {
        heard.push(event);
      }
    }
    await started({ providers: [Log], saga: { service: 'audit', transport, sagas: [Order] } });
    const app = await started({ providers: allSteps, saga: { transport } });
    await app.get(Sagas).start(Order, { orderId: 'o1', quantity: 11 });
    await eventually(() => expect(heard).toHaveLength(4));
    expect(heard).toContainEqual(new CardRefused({ orderId: 'o1', reason: 'over limit' }));
    expect(heard).toContainEqual(new StockReleased({ orderId: 'o1' }));
    expect(heard).toContainEqual(new OrderCancelled({ orderId: 'o1' }));
    expect(heard.map((event) => ({ ...event }))).toContainEqual({ failedStep: 'charge', reason: 'over limit' });
  });

  test('of a declared rejection is not given the one that the library makes, which has a listener of its own', async () => {
    const refused: object[] = [];
    const byLibrary: object[] = [];
    @Injectable()
    class Log {
      @OnSagaEvent(CardRefused)
      refused(event: CardRefused): void {
        refused.push(event);
      }
      @OnSagaEvent(Order.steps.charge.events.defaults.rejected)
      given(event: object): void {
        byLibrary.push(event);
      }
    }
    @Injectable()
    class Failing {
      @SagaStep(Order.steps.charge)
      charge({ orderId, quantity }: { orderId: string; quantity: number }): CardRefused {
        if (quantity === 2) throw new Error('no connection');
        return new CardRefused({ orderId, reason: 'over limit' });
      }
    }
    await started({ providers: [Log], saga: { service: 'audit', transport, sagas: [Order] } });
    const app = await started({
      providers: [PlaceSteps, ReserveSteps, Failing, ShipSteps],
      saga: { transport, retry: { retries: 0 } },
    });
    await app.get(Sagas).start(Order, { orderId: 'o1', quantity: 2 });
    await app.get(Sagas).start(Order, { orderId: 'o2', quantity: 3 });
    await eventually(() =>
      expect(byLibrary.map((event) => ({ ...event }))).toEqual([{ failedStep: 'charge', reason: 'no connection' }]),
    );
    await eventually(() => expect(refused).toEqual([new CardRefused({ orderId: 'o2', reason: 'over limit' })]));
    await sleep(30);
    expect(refused).toHaveLength(1);
    expect(byLibrary).toHaveLength(1);
  });

  test('hears both kinds of a rejection with one method that names both, each once, and is warned when it names one', async () => {
    const heard: string[] = [];
    @Injectable()
    class Both {
      @OnSagaEvent(CardRefused)
      @OnSagaEvent(Order.steps.charge.events.defaults.rejected)
      refused(event: CardRefused | ClosingData): void {
        heard.push('orderId' in event ? `${event.orderId}: ${event.reason}` : `${event.failedStep}: ${event.reason}`);
      }
    }
    @Injectable()
    class One {
      @OnSagaEvent(CardRefused)
      refused(event: CardRefused): void {
        void event;
      }
    }
    @Injectable()
    class Failing {
      @SagaStep(Order.steps.charge)
      charge({ orderId, quantity }: { orderId: string; quantity: number }): CardRefused {
        if (quantity === 2) throw new Error('no connection');
        if (quantity === 4) throw new StepRejected('no such card');
        return new CardRefused({ orderId, reason: 'over limit' });
      }
    }
    const [quiet, warned] = [new LogLines(), new LogLines()];
    await started({ providers: [Both], log: quiet, saga: { service: 'audit', transport, sagas: [Order] } });
    await started({ providers: [One], log: warned, saga: { service: 'mail', transport, sagas: [Order] } });
    const app = await started({
      providers: [PlaceSteps, ReserveSteps, Failing, ShipSteps],
      saga: { transport, retry: { retries: 0 } },
    });
    for (const quantity of [2, 3, 4]) await app.get(Sagas).start(Order, { orderId: `o${quantity}`, quantity });
    const all = ['charge: no connection', 'charge: no such card', 'o3: over limit'];
    await eventually(() => expect(heard.toSorted()).toEqual(all));
    await sleep(30);
    expect(heard).toHaveLength(3);
    expect(quiet.warnings).toEqual([]);
    expect(warned.warnings).toEqual([
      expect.stringMatching(/^One\.refused hears .* listen to <definition>\.steps\.charge\.events\.defaults\.rejected/),
    ]);
  });

  test('hears an event that two sagas have in common from both', async () => {
    class Paid extends DomainEvent('common.paid', z.object({ orderId: z.string() })) {}
    const Retail = defineSaga('retail', { pay: { emits: Paid } });
    const Wholesale = defineSaga('wholesale', { pay: { emits: Paid } });
    const heard: string[] = [];
    @Injectable()
    class Both {
      @SagaStep(Retail.steps.pay)
      @SagaStep(Wholesale.steps.pay)
      pay({ orderId }: { orderId: string }): Paid {
        return new Paid({ orderId });
      }
      @OnSagaEvent(Paid)
      paid({ orderId }: Paid): void {
        heard.push(orderId);
      }
    }
    const app = await started({ providers: [Both], saga: { transport } });
    await app.get(Sagas).start(Retail, { orderId: 'r1' });
    await app.get(Sagas).start(Wholesale, { orderId: 'w1' });
    await eventually(() => expect(heard.toSorted()).toEqual(['r1', 'w1']));
  });
});
