import {
  Injectable,
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type Type,
} from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { Test, type TestingModule } from '@nestjs/testing';
import { SagaModule, Sagas, inMemory, type SagaModuleOptions } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogLines } from './log-lines.js';
import { Order, OrderPlaced, StockReserved } from './order-saga.js';
import { PlaceSteps, ReserveSteps, Seen } from './order-steps.js';
import { eventually, optionsOf, started } from './scene.js';

/** Takes its time to start, so that whatever starts before it is at work meanwhile. */
@Module({})
class SlowModule implements OnApplicationBootstrap {
  async onApplicationBootstrap(): Promise<void> {
    await sleep(40);
  }
}

@Injectable()
class SlowReserveSteps extends ReserveSteps {
  inHand = 0;

  override reserve(placed: OrderPlaced): never {
    this.inHand += 1;
    return sleep(60).then(() => super.reserve(placed)) as never;
  }
}

type Layout = (saga: DynamicModule) => NonNullable<ModuleMetadata['imports']>;

function nested(...imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
  class Nested {
    readonly depth = 1;
  }
  return { module: Nested, imports };
}

const layouts: [string, Layout][] = [
  ['CqrsModule.forRoot()', (saga) => [CqrsModule.forRoot(), SlowModule, saga]],
  ['CqrsModule.forRoot() after SagaModule', (saga) => [saga, SlowModule, CqrsModule.forRoot()]],
  ['a bare CqrsModule before SagaModule', (saga) => [CqrsModule, SlowModule, saga]],
  ['a bare CqrsModule after SagaModule', (saga) => [saga, SlowModule, CqrsModule]],
  ['a bare CqrsModule, and SagaModule deep inside', (saga) => [nested(nested(saga)), nested(SlowModule), CqrsModule]],
  ['a bare CqrsModule deep inside', (saga) => [saga, SlowModule, nested(nested(CqrsModule))]],
];

async function compiledWith(layout: Layout, steps: Type, options: Partial<SagaModuleOptions>): Promise<TestingModule> {
  const app = await Test.createTestingModule({
    imports: layout(SagaModule.forRoot(optionsOf(options))),
    providers: [steps, Seen],
  })
    .setLogger(new LogLines())
    .compile();
  onTestFinished(() => app.close());
  return app;
}

async function placeOrders(transport: SagaModuleOptions['transport'], orders: readonly string[]): Promise<void> {
  const shop = await started({ providers: [PlaceSteps], saga: { transport } });
  for (const orderId of orders) await shop.get(Sagas).start(Order, { orderId });
}

const orders = Array.from({ length: 6 }, (_, index) => `o${index}`);

describe.each(layouts)('with %s', (_what, layout) => {
  test('the event bus sees everything that was waiting when the service started', async () => {
    const transport = inMemory();
    await placeOrders(transport, orders);
    const app = await compiledWith(layout, ReserveSteps, { service: 'stock', transport });
    await app.init();
    await eventually(() => expect(app.get(Seen).of(StockReserved)).toHaveLength(orders.length));
    expect(app.get(Seen).of(OrderPlaced).toSorted()).toEqual(orders);
    expect(app.get(Seen).of(StockReserved).toSorted()).toEqual(orders);
  });

  test('what is in hand when the service is closed is finished and seen on the event bus', async () => {
    const transport = inMemory();
    const app = await compiledWith(layout, SlowReserveSteps, { service: 'stock', transport });
    await app.init();
    await placeOrders(transport, ['o1']);
    await eventually(() => expect(app.get(SlowReserveSteps).inHand).toBe(1));
    expect(app.get(Seen).of(StockReserved)).toEqual([]);
    await app.close();
    expect(app.get(Seen).of(StockReserved)).toEqual(['o1']);
  });
});
