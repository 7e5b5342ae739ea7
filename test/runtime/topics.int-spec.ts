import type { INestApplicationContext } from '@nestjs/common';
import { inMemory, kafka, Sagas, type SagaModuleOptions, type TopicNaming } from 'nest-saga';
import { describe, expect, test, vi } from 'vitest';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { freshDatabase } from '../support/database.js';
import { app, ChargeSteps, Order, PlaceSteps, ReserveSteps, SagaTrackerModule } from './three-services.js';

const namings: readonly TopicNaming[] = ['perSaga', 'perType', 'perDomain', ({ type }) => `custom.${type.length % 2}`];

async function started(options: Omit<SagaModuleOptions, 'service'>): Promise<readonly INestApplicationContext[]> {
  const [orders, stock, cards] = await Promise.all([freshDatabase(), freshDatabase(), freshDatabase()]);
  return [
    await app(orders, [PlaceSteps], { service: 'orders', ...options }, [SagaTrackerModule]),
    await app(stock, [ReserveSteps], { service: 'stock', ...options }),
    await app(cards, [ChargeSteps], { service: 'cards', ...options }),
  ];
}

/** One saga that completes and one that closes backwards: their histories without what differs from run to run. */
async function histories(apps: readonly INestApplicationContext[]): Promise<readonly (readonly string[])[]> {
  const sagas = apps[0]!.get(Sagas);
  const ids = await Promise.all(
    [1, 11].map((quantity) => sagas.start(Order, { orderId: `order-${quantity}`, quantity })),
  );
  await Promise.all(ids.map(({ sagaId }) => sagas.settled(sagaId, { timeout: 25_000 })));
  // From several topics the last event may be heard first: the state is terminal then, and the history catches up.
  const complete = await vi.waitFor(async () => {
    const seen = await Promise.all(ids.map(({ sagaId }) => sagas.status(sagaId)));
    expect(seen.map((saga) => saga?.history.length)).toEqual(expected.map((history) => history.length - 1));
    return seen.map((saga) => saga!);
  }, 10_000);
  return complete.map(({ status, history }) => [status, ...history.map(({ type, source }) => `${type} by ${source}`)]);
}

const expected = [
  ['completed', 'order.placed by /orders', 'stock.reserved by /stock', 'card.charged by /cards'],
  [
    'aborted',
    'order.placed by /orders',
    'stock.reserved by /stock',
    'card.refused by /cards',
    'order.reserve.compensated by /stock',
    'order.place.compensated by /orders',
  ],
];

describe('topics', () => {
  test.each(namings)('named %s lead to the same end', async (topics) => {
    const apps = await started({ transport: inMemory(), topics, prefix: 'test.' });
    expect(await histories(apps)).toEqual(expected);
    await Promise.all(apps.map((one) => one.close()));
  });
});

describeWithKafka('topics on Kafka', () => {
  test.each(namings.slice(1))('named %s lead to the same end', async (topics) => {
    const transport = kafka({ brokers: [...kafkaBrokers()], createTopics: { partitions: 3, replicationFactor: 1 } });
    const apps = await started({ transport, topics, prefix: freshTopicPrefix() });
    expect(await histories(apps)).toEqual(expected);
    await Promise.all(apps.map((one) => one.close()));
  });
});
