import { Injectable } from '@nestjs/common';
import { OnSagaEvent, Sagas, inMemory } from 'nest-saga';
import { expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { Order, OrderPlaced } from './order-saga.js';
import { allSteps } from './order-steps.js';
import { eventually } from './scene.js';

@Injectable()
class Known {
  readonly heard: string[] = [];

  @OnSagaEvent(OrderPlaced)
  placed({ orderId }: OrderPlaced): void {
    this.heard.push(orderId);
  }
}

@Injectable()
class Added {
  readonly heard: string[] = [];

  @OnSagaEvent(OrderPlaced)
  placed({ orderId }: OrderPlaced): void {
    this.heard.push(orderId);
  }
}

test(
  'a listener that only some replicas have hears every event once, also those that the others were handed',
  { timeout: 60_000 },
  async () => {
    const [url, audit] = [await freshDatabase(), await freshDatabase()];
    const transport = inMemory();
    const shop = await startedOn(url, { providers: allSteps, saga: { transport, service: 'shop' } });
    const replica = { transport, service: 'audit', sagas: [Order] };
    const old = await startedOn(audit, { providers: [Known], saga: replica });
    const fresh = await startedOn(audit, { providers: [Known, Added], saga: replica });
    const orders = Array.from({ length: 40 }, (_, index) => `o${index}`);
    for (const orderId of orders) await shop.get(Sagas).start(Order, { orderId, quantity: 1 });
    const known = (): readonly string[] => [...old.get(Known).heard, ...fresh.get(Known).heard].toSorted();
    await eventually(() => expect(known()).toEqual(orders.toSorted()));
    await eventually(() => expect(fresh.get(Added).heard.toSorted()).toEqual(orders.toSorted()));
    expect(old.get(Known).heard).not.toEqual([]);
  },
);
