import { Injectable } from '@nestjs/common';
import { OnSagaEvent, SagaError, Sagas, SagaStep, StepRejected, inMemory, type StepContext } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { MemoryStore } from 'nest-saga/testing';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import { Order, OrderPlaced, Payment, PaymentDone, StockReserved } from './order-saga.js';
import { PlaceSteps, ReserveSteps, Seen } from './order-steps.js';
import { eventually, started, type Service } from './scene.js';

@Injectable()
class Counting extends PlaceSteps {
  readonly placed: string[] = [];

  override place(order: { orderId: string; quantity: number }): OrderPlaced {
    this.placed.push(order.orderId);
    return super.place(order);
  }
}

/** A service whose one step does this. */
function paying(pay: (saga: StepContext) => unknown): Service {
  @Injectable()
  class Steps {
    @SagaStep(Payment.steps.pay)
    async pay(_input: object, saga: StepContext): Promise<PaymentDone> {
      return (await pay(saga)) as PaymentDone;
    }
  }
  return { providers: [Steps] };
}

describe('a start with a key', () => {
  test('finds the saga that was started with it before', async () => {
    const app = await started({ providers: [Counting] });
    const first = await app.get(Sagas).start(Order, { orderId: 'o1' }, { key: 'request-1' });
    const second = await app.get(Sagas).start(Order, { orderId: 'other' }, { key: 'request-1' });
    expect(first).toMatchObject({ existing: false, step: 'done', event: { orderId: 'o1' } });
    expect(second).toEqual({ ...first, existing: true });
    expect(app.get(Counting).placed).toEqual(['o1']);
  });

  test('made twenty times at once has one effect, and all get the same saga', async () => {
    const app = await started({ providers: [Counting, Seen] });
    const starts = await Promise.all(
      Array.from({ length: 20 }, () => app.get(Sagas).start(Order, { orderId: 'o1' }, { key: 'request-1' })),
    );
    expect(new Set(starts.map(({ sagaId }) => sagaId)).size).toBe(1);
    expect(starts.filter(({ existing }) => !existing)).toHaveLength(1);
    expect(app.get(Counting).placed).toEqual(['o1']);
    expect(app.get(Seen).of(OrderPlaced)).toEqual(['o1']);
  });

  test('is of its saga: the same key starts a saga of each definition', async () => {
    const service = paying(() => new PaymentDone({ orderId: 'o1' }));
    const app = await started({ providers: [...service.providers!, Counting] });
    const order = await app.get(Sagas).start(Order, { orderId: 'o1' }, { key: 'request-1' });
    const payment = await app.get(Sagas).start(Payment, {}, { key: 'request-1' });
    expect(payment).toMatchObject({ existing: false });
    expect(payment.sagaId).not.toBe(order.sagaId);
  });

  test('that is empty is refused', async () => {
    const app = await started({ providers: [Counting] });
    await expect(app.get(Sagas).start(Order, { orderId: 'o1' }, { key: '' })).rejects.toThrow(
      'The key of a start is empty; give a business key, or leave it out.',
    );
  });

  test('that failed may be made again with it', async () => {
    let failures = 1;
    const app = await started(
      paying(() => {
        if (failures-- > 0) throw new Error('no connection');
        return new PaymentDone({ orderId: 'o1' });
      }),
    );
    await expect(app.get(Sagas).start(Payment, {}, { key: 'k' })).rejects.toThrow('no connection');
    expect(await app.get(Sagas).start(Payment, {}, { key: 'k' })).toMatchObject({ existing: false, step: 'done' });
  });
});

describe('what a start is given', () => {
  test('is checked by the input schema, whose output the step gets', async () => {
    const app = await started({ providers: [Counting] });
    const { event } = await app.get(Sagas).start(Order, { orderId: 'o1' });
    expect(event).toEqual({ orderId: 'o1', quantity: 1 });
  });

  test('is refused with every issue when it does not match, and the step does not run', async () => {
    const app = await started({ providers: [Counting] });
    const refused = app.get(Sagas).start(Order, { orderId: '', quantity: 'x' } as never);
    await expect(refused).rejects.toMatchObject({ name: 'SagaError', code: 'INVALID_START_INPUT' });
    await expect(refused).rejects.toThrow(/^Saga "order" cannot start with this input: orderId: .+; quantity: .+\.$/);
    expect(app.get(Counting).placed).toEqual([]);
  });

  test('of correlation is on every event of the saga', async () => {
    const seen: StepContext[] = [];
    @Injectable()
    class Steps extends ReserveSteps {
      @SagaStep(Order.steps.reserve)
      override reserve(placed: OrderPlaced, saga?: StepContext): StockReserved {
        seen.push(saga!);
        return super.reserve(placed);
      }
    }
    const app = await started({ providers: [PlaceSteps, Steps] });
    const { sagaId } = await app.get(Sagas).start(Order, { orderId: 'o1' }, { correlationId: 'http-7' });
    await eventually(() => expect(seen).toMatchObject([{ sagaId, correlationId: 'http-7' }]));
  });
});

describe('a source step', () => {
  test('that throws leaves nothing, and the caller gets what it threw', async () => {
    const store = new MemoryStore(systemClock);
    const failure = new Error('no connection');
    const ids: string[] = [];
    const service = paying(({ sagaId }) => {
      ids.push(sagaId);
      throw failure;
    });
    const app = await started({ ...service, saga: { store: () => store } });
    await expect(app.get(Sagas).start(Payment, {})).rejects.toBe(failure);
    expect(ids).toHaveLength(1);
    expect(await store.find(ids[0]!)).toEqual([]);
    expect(await store.outbox.backlog()).toEqual({ size: 0 });
  });

  test('that throws among others takes none of them with it', async () => {
    @Injectable()
    class Steps {
      @SagaStep(Payment.steps.pay)
      pay({ orderId }: { orderId: string }): PaymentDone {
        if (orderId === 'o3') throw new Error('no connection');
        return new PaymentDone({ orderId });
      }
    }
    const app = await started({ providers: [Steps], saga: { settings: { lanes: 1 } } });
    const starts = await Promise.allSettled(
      ['o1', 'o2', 'o3', 'o4'].map((orderId) => app.get(Sagas).start(Payment, { orderId })),
    );
    expect(starts.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  test('that is refused says so, and the saga is over', async () => {
    const app = await started(
      paying(() => {
        throw new StepRejected('over limit');
      }),
    );
    const start = await app.get(Sagas).start(Payment, {}, { key: 'k' });
    const refused = { step: 'rejected', event: { failedStep: 'pay', reason: 'over limit' } };
    expect(start).toMatchObject({ ...refused, existing: false });
    expect(await app.get(Sagas).start(Payment, {}, { key: 'k' })).toMatchObject({ ...refused, existing: true });
  });
});

describe('a saga cannot be started', () => {
  test('inside a step, which would not undo it', async () => {
    const errors: unknown[] = [];
    @Injectable()
    class Starting {
      constructor(private readonly sagas: Sagas) {}
      @SagaStep(Payment.steps.pay)
      async pay(): Promise<PaymentDone> {
        await this.sagas.start(Order, { orderId: 'o2' }).catch((error: unknown) => errors.push(error));
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const app = await started({ providers: [Starting, Counting] });
    await app.get(Sagas).start(Payment, {});
    expect(errors[0]).toBeInstanceOf(SagaError);
    expect(errors[0]).toMatchObject({
      code: 'START_INSIDE_STEP',
      message:
        'Saga "order" cannot be started inside "pay": it would not be undone with it. Let the event that "pay" emits start it: createTask: { on: SomeEvent, ... }.',
    });
    expect(app.get(Counting).placed).toEqual([]);
  });

  test('inside a listener, which would wait for itself', async () => {
    const errors: unknown[] = [];
    @Injectable()
    class Listening {
      constructor(private readonly sagas: Sagas) {}
      @OnSagaEvent(PaymentDone)
      async paid(): Promise<void> {
        await this.sagas.start(Order, { orderId: 'o2' }).catch((error: unknown) => errors.push(error));
      }
    }
    const service = paying(() => new PaymentDone({ orderId: 'o1' }));
    const app = await started({
      providers: [...service.providers!, Listening, Counting],
      saga: { settings: { lanes: 1 } },
    });
    await app.get(Sagas).start(Payment, {});
    await eventually(() => expect(errors).toMatchObject([{ code: 'START_INSIDE_STEP' }]));
  });

  test('but by work that a step left behind it can: that is no step any more', async () => {
    const later: Promise<unknown>[] = [];
    @Injectable()
    class Starting {
      constructor(private readonly sagas: Sagas) {}
      @SagaStep(Payment.steps.pay)
      pay(): PaymentDone {
        later.push(sleep(20).then(() => this.sagas.start(Order, { orderId: 'o2' })));
        return new PaymentDone({ orderId: 'o1' });
      }
    }
    const app = await started({ providers: [Starting, Counting] });
    await app.get(Sagas).start(Payment, {});
    await expect(later[0]).resolves.toMatchObject({ step: 'done' });
  });
});

test('a service with one lane starts sagas of many callers while it consumes', async () => {
  const transport = inMemory();
  const app = await started({
    providers: [PlaceSteps, ReserveSteps, Seen],
    saga: { transport, settings: { lanes: 1, batchSize: 3 } },
  });
  const ids = Array.from({ length: 25 }, (_, index) => `o${index}`);
  await Promise.all(ids.map((orderId) => app.get(Sagas).start(Order, { orderId })));
  await eventually(() => expect(app.get(Seen).of(StockReserved).toSorted()).toEqual(ids.toSorted()));
});
