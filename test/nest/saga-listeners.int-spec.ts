import { Injectable } from '@nestjs/common';
import { getRepositoryToken, InjectRepository } from '@nestjs/typeorm';
import { OnSagaEvent, Sagas, inMemory, type ListenerContext } from 'nest-saga';
import type { TestingModule } from '@nestjs/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repository } from 'typeorm';
import { beforeEach, describe, expect, test } from 'vitest';
import type { IncomingRecord, Transport } from '../../libs/saga/src/ports/transport.js';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Order, OrderPlaced, OrderShipped } from './order-saga.js';
import { PlaceSteps, allSteps } from './order-steps.js';
import { eventually, started } from './scene.js';

let url: string;
let transport: ReturnType<typeof inMemory>;
beforeEach(async () => {
  url = await freshDatabase();
  transport = inMemory();
});

const notesIn = async (app: TestingModule): Promise<readonly string[]> =>
  (await app.get<Repository<Note>>(getRepositoryToken(Note)).find()).map(({ text }) => text).toSorted();

/** Whoever consumed a record puts it on its topic again, as a broker may. */
async function againOn(topic: string): Promise<() => Promise<void>> {
  const outside: Transport = transport({ service: 'outside', logger: new LogLines() });
  const records: IncomingRecord[] = [];
  await outside.subscribe({
    group: 'outside',
    topics: [topic],
    handle: async (batch) => void records.push(...batch),
  });
  return () =>
    outside.publish([...records].map(({ headers, key, value }) => ({ topic, headers: { ...headers }, key, value })));
}

@Injectable()
class Audit {
  readonly attempts: number[] = [];
  readonly contexts: ListenerContext[] = [];
  readonly events: OrderPlaced[] = [];
  failures = 0;

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @OnSagaEvent(OrderPlaced)
  async placed(event: OrderPlaced, saga: ListenerContext): Promise<void> {
    this.attempts.push(saga.attempt);
    this.contexts.push(saga);
    this.events.push(event);
    await this.notes.insert({ text: `placed ${event.orderId}` });
    if (this.failures-- > 0) throw new Error('no connection');
  }
}

describe('a listener', () => {
  test('hears each event once, also when it comes again, in a service that has no steps', async () => {
    const again = await againOn('saga.order');
    const audit = await startedOn(url, {
      providers: [Audit],
      saga: { service: 'audit', transport, sagas: [Order] },
    });
    const shop = await started({ providers: [PlaceSteps], saga: { transport } });
    const { sagaId } = await shop.get(Sagas).start(Order, { orderId: 'o1' }, { correlationId: 'http-7' });
    await eventually(async () => expect(await notesIn(audit)).toEqual(['placed o1']));
    await again();
    await again();
    await shop.get(Sagas).start(Order, { orderId: 'o2' });
    await eventually(async () => expect(await notesIn(audit)).toEqual(['placed o1', 'placed o2']));
    expect(audit.get(Audit).contexts[0]).toMatchObject({ sagaId, correlationId: 'http-7' });
    expect(audit.get(Audit).events[0]).toBeInstanceOf(OrderPlaced);
  });

  test('is repeated until it is done, longer than steps are, and what it wrote before it failed is not kept', async () => {
    const audit = await startedOn(url, {
      providers: [Audit],
      saga: {
        service: 'audit',
        transport,
        sagas: [Order],
        retry: { retries: 1, firstDelay: 5, maxDelay: 10, jitter: 0 },
      },
    });
    audit.get(Audit).failures = 4;
    const shop = await started({ providers: [PlaceSteps], saga: { transport } });
    await shop.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(audit.get(Audit).attempts).toHaveLength(5));
    await eventually(async () => expect(await notesIn(audit)).toEqual(['placed o1']));
    expect(audit.get(Audit).attempts).toEqual([1, 2, 3, 4, 5]);
  });

  test('that fails holds up no step of its service and no other listener', async () => {
    const heard: string[] = [];
    @Injectable()
    class Other {
      @OnSagaEvent(OrderPlaced)
      placed({ orderId }: OrderPlaced): void {
        heard.push(orderId);
      }
    }
    const app = await startedOn(url, {
      providers: [...allSteps, Audit, Other],
      saga: { transport, retry: { firstDelay: 60_000, maxDelay: 60_000 }, settings: { lanes: 1, batchSize: 1 } },
    });
    app.get(Audit).failures = Infinity;
    const shipped: string[] = [];
    const shipping = await started({
      providers: [shippedInto(shipped)],
      saga: { service: 'shipping', transport, sagas: [Order] },
    });
    await app.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(shipped).toEqual(['o1']));
    expect(heard).toEqual(['o1']);
    expect(app.get(Audit).attempts).toEqual([1]);
    expect(await notesIn(app)).toEqual([]);
    expect(shipping).toBeDefined();
  });

  test('is one of several that hear the same event, each once: one that fails is repeated alone', async () => {
    const again = await againOn('saga.order');
    const counts = { first: 0, second: 0, third: 0 };
    @Injectable()
    class First {
      @OnSagaEvent(OrderPlaced)
      placed(): void {
        counts.first += 1;
      }
      @OnSagaEvent(OrderPlaced)
      alsoPlaced(): void {
        counts.second += 1;
      }
    }
    @Injectable()
    class Third {
      @OnSagaEvent(OrderPlaced)
      placed(): void {
        counts.third += 1;
        if (counts.third < 3) throw new Error('no connection');
      }
    }
    await startedOn(url, {
      providers: [First, Third],
      saga: { service: 'audit', transport, sagas: [Order], settings: { lanes: 1, batchSize: 1 } },
    });
    const shop = await started({ providers: [PlaceSteps], saga: { transport } });
    await shop.get(Sagas).start(Order, { orderId: 'o1' });
    await eventually(() => expect(counts).toEqual({ first: 1, second: 1, third: 3 }));
    await again();
    await sleep(60);
    expect(counts).toEqual({ first: 1, second: 1, third: 3 });
  });
});

function shippedInto(shipped: string[]) {
  @Injectable()
  class Shipped {
    @OnSagaEvent(OrderShipped)
    shipped({ orderId }: OrderShipped): void {
      shipped.push(orderId);
    }
  }
  return Shipped;
}
