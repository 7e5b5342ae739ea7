import { EventsHandler, type IEventHandler } from '@nestjs/cqrs';
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { EventBusBridge } from '../../libs/saga/src/nest/event-bus-bridge.js';
import type { Envelope } from '../../libs/saga/src/protocol/envelope.js';
import { OrderPlaced } from './order-saga.js';
import { started } from './scene.js';

test('each mirrored event is handled in a context of its own, whoever brought it about and whatever handlers leave there', async () => {
  const requests = new AsyncLocalStorage<string>();
  const contexts: unknown[] = [];
  @EventsHandler(OrderPlaced)
  class Handler implements IEventHandler<OrderPlaced> {
    handle({ orderId }: OrderPlaced): void {
      contexts.push(requests.getStore());
      requests.enterWith(`left by the handler of ${orderId}`);
    }
  }
  const app = await started({ providers: [Handler] });
  const bridge = app.get(EventBusBridge);
  requests.run('request', () => {
    for (const orderId of ['o1', 'o2'])
      bridge.mirror({ data: new OrderPlaced({ orderId, quantity: 1 }) } as unknown as Envelope);
  });
  expect(contexts).toEqual([undefined, undefined]);
});
