import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AggregateRoot, EventBus, EventPublisher, EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { Compensates, Sagas, SagaStep, type Started } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LogLines } from './log-lines.js';
import {
  AskedPayment,
  CardRefused,
  Order,
  OrderCancelled,
  OrderPlaced,
  Payment,
  PaymentAsked,
  PaymentDone,
} from './order-saga.js';
import { ReserveSteps, Seen } from './order-steps.js';
import { eventually, started, type Service } from './scene.js';

const done = (): PaymentDone => new PaymentDone({ orderId: 'o1' });

/** A domain event of the service's own, no saga's. */
class PriceChanged {
  constructor(readonly price: number) {}
}

@EventsHandler(PriceChanged, PaymentDone)
class Heard implements IEventHandler<object> {
  readonly events: object[] = [];
  handle(event: object): void {
    this.events.push(event);
  }
}

/** A service whose one step does this with the event bus. */
function paying(pay: (bus: EventBus, publisher: EventPublisher) => unknown): Service {
  @Injectable()
  class Steps {
    constructor(
      private readonly bus: EventBus,
      private readonly publisher: EventPublisher,
    ) {}
    @SagaStep(Payment.steps.pay)
    async pay(): Promise<PaymentDone> {
      return (await pay(this.bus, this.publisher)) as PaymentDone;
    }
  }
  return { providers: [Steps, Heard] };
}

async function startOf(service: Service): Promise<Started> {
  const app = await started(service);
  return app.get(Sagas).start(Payment, {});
}

describe('a step answers', () => {
  class Invoice extends AggregateRoot {
    settle(): void {
      this.apply(new PriceChanged(1));
      this.apply(done());
    }
  }

  const ways: [string, Parameters<typeof paying>[0]][] = [
    ['by returning its event', () => done()],
    ['by publishing it on the event bus', (bus) => void bus.publish(done())],
    ['by publishing it after other work', async (bus) => void (await sleep(5), bus.publish(done()))],
    ['by publishing it among others', (bus) => void bus.publishAll([new PriceChanged(1), done()])],
    [
      'by an aggregate that applies and commits it',
      (_bus, publisher) => {
        const invoice = publisher.mergeObjectContext(new Invoice());
        invoice.settle();
        invoice.commit();
      },
    ],
    [
      'by returning the very event that it published',
      (bus) => {
        const event = done();
        bus.publish(event);
        return event;
      },
    ],
  ];

  test.each(ways)('%s', async (_way, pay) => {
    const { step, event } = await startOf(paying(pay));
    expect(step).toBe('done');
    expect(event).toEqual({ orderId: 'o1' });
  });

  test('by publishing its rejected event, and a compensation by publishing its own', async () => {
    @Injectable()
    class Steps {
      constructor(private readonly bus: EventBus) {}
      @SagaStep(Order.steps.place)
      place(order: { orderId: string; quantity: number }): void {
        this.bus.publish(new OrderPlaced(order));
      }
      @Compensates(Order.steps.place)
      cancel({ orderId }: OrderPlaced): void {
        this.bus.publish(new OrderCancelled({ orderId }));
      }
      @SagaStep(Order.steps.charge)
      charge({ orderId }: { orderId: string }): void {
        this.bus.publish(new CardRefused({ orderId, reason: 'no money' }));
      }
    }
    const app = await started({ providers: [Steps, ReserveSteps, Seen] });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(app.get(Seen).of(OrderCancelled)).toEqual(['o1']));
    expect(app.get(Seen).of(CardRefused)).toEqual(['o1']);
  });

  test('once: two events are refused, and nothing is left of either', async () => {
    const twice: Parameters<typeof paying>[0][] = [
      (bus) => void [bus.publish(done()), bus.publish(done())],
      (bus) => {
        bus.publish(new PaymentDone({ orderId: 'other' }));
        return done();
      },
    ];
    for (const pay of twice) {
      const app = await started(paying(pay));
      await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow(
        'Step "pay" of saga "payment" gave 2 events; return one, or publish one inside the step.',
      );
      expect(app.get(Heard).events).toEqual([]);
    }
  });

  test('and when it does not, it is told what to return', async () => {
    await expect(startOf(paying(() => undefined))).rejects.toThrow(
      'Step "pay" of saga "payment" answered with nothing; return a payment.done, or publish it on the event bus inside the step; for a business no, throw a StepRejected.',
    );
  });
});

describe('on the event bus', () => {
  test('events of other types that a step publishes pass through at once', async () => {
    const app = await started(
      paying((bus) => {
        bus.publish(new PriceChanged(7));
        return done();
      }),
    );
    await app.get(Sagas).start(Payment, {});
    expect(app.get(Heard).events).toEqual([new PriceChanged(7), done()]);
  });

  test("a step's event that is published outside a step is an event like any other", async () => {
    const app = await started(paying(() => done()));
    app.get(EventBus).publish(done());
    expect(app.get(Heard).events).toEqual([done()]);
  });

  test('what a step left running publishes after its end is no answer of it, and is not lost', async () => {
    const app = await started(
      paying((bus) => {
        void sleep(20).then(() => bus.publish(new PaymentDone({ orderId: 'late' })));
        return done();
      }),
    );
    await app.get(Sagas).start(Payment, {});
    await eventually(() => expect(app.get(Heard).events).toEqual([done(), new PaymentDone({ orderId: 'late' })]));
  });

  test('two steps that run at once are told apart by what they publish', async () => {
    @Injectable()
    class Steps {
      constructor(private readonly bus: EventBus) {}
      @SagaStep(Payment.steps.pay)
      async pay({ orderId }: { orderId: string }): Promise<void> {
        await sleep(orderId === 'slow' ? 30 : 1);
        this.bus.publish(new PaymentDone({ orderId }));
        await sleep(orderId === 'slow' ? 1 : 30);
      }
    }
    const app = await started({ providers: [Steps], saga: { settings: { lanes: 4 } } });
    const ids = ['slow', ...Array.from({ length: 7 }, (_, index) => `fast-${index}`)];
    const all = await Promise.all(ids.map((orderId) => app.get(Sagas).start(Payment, { orderId })));
    expect(all.map(({ event }) => event)).toEqual(ids.map((orderId) => ({ orderId })));
  });

  test('the answer is taken also where the application set a publisher of its own while it started', async () => {
    const published: object[] = [];
    @Injectable()
    class OwnPublisher implements OnModuleInit {
      constructor(private readonly bus: EventBus) {}
      onModuleInit(): void {
        this.bus.publisher = { publish: (event: object) => void published.push(event) };
      }
    }
    const service = paying((bus) => void bus.publish(done()));
    const app = await started({ providers: [...service.providers!, OwnPublisher] });
    const { event } = await app.get(Sagas).start(Payment, {});
    expect(event).toEqual({ orderId: 'o1' });
    expect(published).toEqual([done()]);
  });

  test('a publisher of the application is given several events at once as it wishes', async () => {
    const together: readonly object[][] = [];
    @Injectable()
    class OwnPublisher implements OnModuleInit {
      constructor(private readonly bus: EventBus) {}
      onModuleInit(): void {
        this.bus.publisher = {
          publish: () => undefined,
          publishAll: (events: object[]) => void (together as object[][]).push(events),
        };
      }
    }
    const service = paying((bus) => void bus.publishAll([new PriceChanged(1), done(), new PriceChanged(2)]));
    const app = await started({ providers: [...service.providers!, OwnPublisher] });
    await app.get(Sagas).start(Payment, {});
    expect(together).toEqual([[new PriceChanged(1), new PriceChanged(2)]]);
  });

  test('an event that starts a saga is refused inside a step', async () => {
    const log = new LogLines();
    @Injectable()
    class Asked {
      @SagaStep(AskedPayment.steps.pay)
      pay(asked: PaymentAsked): PaymentDone {
        return new PaymentDone(asked);
      }
    }
    const service = paying((bus) => {
      bus.publish(new PaymentAsked({ orderId: 'o2' }));
      return done();
    });
    const app = await started({ providers: [...service.providers!, Asked], log });
    await expect(app.get(Sagas).start(Payment, {})).rejects.toThrow(
      'Saga "asked-payment" cannot be started inside "pay": it would not be undone with it. Let the event that "pay" emits start it: createTask: { on: SomeEvent, ... }.',
    );
  });
});
