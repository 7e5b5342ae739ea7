import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { CqrsModule, EventBus, EventsHandler, Saga, ofType, type ICommand, type IEventHandler } from '@nestjs/cqrs';
import { OnSagaEvent, Sagas, SagaStep, inMemory } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { EMPTY, map, mergeMap, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { LogLines } from './log-lines.js';
import {
  CardCharged,
  CardRefused,
  Order,
  OrderCancelled,
  OrderPlaced,
  OrderShipped,
  Payment,
  PaymentDone,
  StockReleased,
  StockReserved,
} from './order-saga.js';
import { ChargeSteps, PlaceSteps, ReserveSteps, Seen, ShipSteps, allSteps } from './order-steps.js';
import { eventually, started } from './scene.js';

/** Long enough for whatever would come a second time. */
const quiet = (): Promise<void> => sleep(60);

describe('committed saga events are published on the event bus', () => {
  test('once each, as instances of their classes, in a service that emits and consumes them', async () => {
    const app = await started({ providers: [...allSteps, Seen] });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    const seen = app.get(Seen);
    await eventually(() => expect(seen.of(OrderShipped)).toEqual(['o1']));
    await quiet();
    expect(seen.events).toEqual([
      new OrderPlaced({ orderId: 'o1', quantity: 1 }),
      new StockReserved({ orderId: 'o1', quantity: 1 }),
      new CardCharged({ orderId: 'o1' }),
      new OrderShipped({ orderId: 'o1' }),
    ]);
  });

  test('once each, also those of the way back', async () => {
    const app = await started({ providers: [...allSteps, Seen] });
    await app.get(Sagas).start(Order, { orderId: 'o1', quantity: 11 });
    const seen = app.get(Seen);
    await eventually(() => expect(seen.of(OrderCancelled)).toEqual(['o1']));
    await quiet();
    expect(seen.events.map(({ constructor }) => constructor.name)).toEqual([
      'OrderPlaced',
      'StockReserved',
      'CardRefused',
      'StockReleased',
      'OrderCancelled',
    ]);
  });

  test('in every service that emits or consumes them, and in no other', async () => {
    const transport = inMemory();
    const inService = (service: string, steps: typeof allSteps) =>
      started({ providers: [...steps, Seen], saga: { service, transport } });
    const stock = await inService('stock', [ReserveSteps]);
    const card = await inService('card', [ChargeSteps]);
    const shipping = await inService('shipping', [ShipSteps]);
    const shop = await inService('shop', [PlaceSteps]);
    await shop.get(Sagas).start(Order, { orderId: 'o1', quantity: 11 });
    await shop.get(Sagas).start(Order, { orderId: 'o2' });
    await eventually(() => expect(shipping.get(Seen).of(OrderShipped)).toEqual(['o2']));
    await eventually(() => expect(shop.get(Seen).of(OrderCancelled)).toEqual(['o1']));
    await quiet();
    const counted = (app: typeof shop) =>
      Object.fromEntries(
        [OrderPlaced, StockReserved, CardCharged, CardRefused, StockReleased, OrderShipped, OrderCancelled].map(
          (eventClass) => [eventClass.type, app.get(Seen).of(eventClass).length],
        ),
      );
    const none = Object.fromEntries(Object.keys(counted(shop)).map((type) => [type, 0]));
    expect(counted(shop)).toEqual({ ...none, 'order.placed': 2, 'stock.released': 1, 'order.cancelled': 1 });
    expect(counted(stock)).toEqual({
      ...none,
      'order.placed': 2,
      'stock.reserved': 2,
      'card.refused': 1,
      'stock.released': 1,
    });
    expect(counted(card)).toEqual({ ...none, 'stock.reserved': 2, 'card.charged': 1, 'card.refused': 1 });
    expect(counted(shipping)).toEqual({ ...none, 'card.charged': 1, 'card.refused': 1, 'order.shipped': 1 });
  });

  test('to rxjs sagas as well', async () => {
    const seen: object[] = [];
    @Injectable()
    class Shipping {
      @Saga()
      shipped = (events: Observable<object>): Observable<ICommand> =>
        events.pipe(
          ofType(OrderShipped),
          map((event) => void seen.push(event)),
          mergeMap(() => EMPTY),
        );
    }
    const app = await started({ providers: [...allSteps, Shipping] });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(seen).toEqual([new OrderShipped({ orderId: 'o1' })]));
  });

  test('once in a service that has a step and a listener for an event, and in one that only listens', async () => {
    const transport = inMemory();
    const heard: string[] = [];
    @Injectable()
    class Audit {
      @OnSagaEvent(OrderPlaced)
      placed({ orderId }: OrderPlaced): void {
        heard.push(orderId);
      }
    }
    const audit = await started({
      providers: [Audit, Seen],
      saga: { service: 'audit', transport, sagas: [Order] },
    });
    const stock = await started({
      providers: [ReserveSteps, Audit, Seen],
      saga: { service: 'stock', transport },
    });
    const shop = await started({ providers: [PlaceSteps], saga: { transport } });
    await shop.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(heard).toEqual(['o1', 'o1']));
    await quiet();
    expect(stock.get(Seen).of(OrderPlaced)).toEqual(['o1']);
    expect(audit.get(Seen).of(OrderPlaced)).toEqual(['o1']);
  });
});

describe('an event that was rolled back is not published on the event bus', () => {
  test('when the start fails', async () => {
    @Injectable()
    class Failing {
      constructor(private readonly bus: EventBus) {}
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        this.bus.publish(new PaymentDone({ orderId: 'o1' }));
        throw new Error('no connection');
      }
    }
    @EventsHandler(PaymentDone)
    class Paid implements IEventHandler<object> {
      readonly events: object[] = [];
      handle(event: object): void {
        this.events.push(event);
      }
    }
    const app = await started({ providers: [Failing, Paid] });
    await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow('no connection');
    await quiet();
    expect(app.get(Paid).events).toEqual([]);
  });

  test('when a neighbor in its batch fails: it is published once, when it is settled', async () => {
    @Injectable()
    class Reserving extends ReserveSteps {
      private failures = 0;
      override reserve(placed: OrderPlaced): StockReserved {
        if (placed.orderId === 'o3' && this.failures++ < 2) throw new Error('no connection');
        return super.reserve(placed);
      }
    }
    const transport = inMemory();
    const shop = await started({ providers: [PlaceSteps], saga: { transport } });
    const ids = ['o1', 'o2', 'o3', 'o4'];
    await Promise.all(ids.map((orderId) => shop.get(Sagas).start(Order, { orderId })));
    const stock = await started({
      providers: [Reserving, Seen],
      saga: { service: 'stock', transport, settings: { lanes: 1 } },
    });
    await eventually(() => expect(stock.get(Seen).of(StockReserved)).toHaveLength(4));
    await quiet();
    expect(stock.get(Seen).of(StockReserved).toSorted()).toEqual(ids);
    expect(stock.get(Seen).of(OrderPlaced).toSorted()).toEqual(ids);
  });
});

describe('the event bus harms no saga', () => {
  test('when handlers throw, at once or later, and rxjs sagas break', async () => {
    const log = new LogLines();
    @EventsHandler(OrderPlaced, StockReserved)
    class ThrowingAtOnce implements IEventHandler<object> {
      handle(): never {
        throw new Error('at once');
      }
    }
    @EventsHandler(OrderPlaced, CardCharged)
    class ThrowingLater implements IEventHandler<object> {
      async handle(): Promise<void> {
        await sleep(1);
        throw new Error('later');
      }
    }
    @Injectable()
    class Broken {
      @Saga()
      broken = (events: Observable<object>): Observable<ICommand> =>
        events.pipe(
          map(() => {
            throw new Error('in the stream');
          }),
        );
    }
    const app = await started({ providers: [...allSteps, Seen, ThrowingAtOnce, ThrowingLater, Broken], log });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await app.get(Sagas).start(Order, { orderId: 'o2' });
    await eventually(() => expect(app.get(Seen).of(OrderShipped)).toEqual(['o1', 'o2']));
    expect(log.errors.join()).toContain('at once');
    expect(log.errors.join()).toContain('later');
  });

  test('when a publisher of the application throws or rejects: it is told in the log', async () => {
    const log = new LogLines();
    @Injectable()
    class Refusing implements OnModuleInit {
      constructor(private readonly bus: EventBus) {}
      onModuleInit(): void {
        this.bus.publisher = {
          publish: (event: object) => {
            if (event instanceof OrderPlaced) throw new Error('thrown');
            return Promise.reject(new Error('rejected'));
          },
        };
      }
    }
    const app = await started({ providers: [...allSteps, Refusing], log });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(log.warnings).toHaveLength(4));
    expect(log.warnings[0]).toMatch(/^Publishing "order\.placed" of saga .* on the event bus failed: thrown$/);
    expect(log.warnings[3]).toMatch(/^Publishing "order\.shipped" of saga .* on the event bus failed: rejected$/);
  });

  test('when a bare CqrsModule makes a second bus: handlers are called once, and a step may publish on either', async () => {
    @Injectable()
    class Charging {
      constructor(private readonly bus: EventBus) {}
      @SagaStep(Order.steps.charge)
      charge({ orderId }: StockReserved): void {
        this.bus.publish(new CardCharged({ orderId }));
      }
    }
    @Module({ imports: [CqrsModule], providers: [Charging] })
    class Feature {}
    const app = await started({ providers: [PlaceSteps, ReserveSteps, ShipSteps, Seen], imports: [Feature] });
    expect(app.get(EventBus, { strict: false, each: true })).toHaveLength(2);
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(app.get(Seen).of(OrderShipped)).toEqual(['o1']));
    await quiet();
    expect(app.get(Seen).events).toHaveLength(4);
  });
});
