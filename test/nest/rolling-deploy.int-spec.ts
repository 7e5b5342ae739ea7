import { getDataSourceToken } from '@nestjs/typeorm';
import { SagaTrackerModule, Sagas, kafka, type SagaModuleOptions } from 'nest-saga';
import type { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { startedOn } from './database-scene.js';
import { Order } from './order-saga.js';
import { ReserveSteps } from './order-steps.js';
import { NewShopSteps, OldShopSteps, OrderV2, ReserveBothSteps } from './order-versions.js';

const hour = 3_600_000;

function onKafka(): Pick<SagaModuleOptions, 'transport' | 'prefix'> {
  const createTopics = { partitions: 4, replicationFactor: 1 };
  return { transport: kafka({ brokers: [...kafkaBrokers()], createTopics }), prefix: freshTopicPrefix() };
}

describeWithKafka('an old and a new replica of a service side by side', () => {
  it(
    'finish the sagas of both versions: what the old one cannot read, the new one takes',
    { timeout: 120_000 },
    async () => {
      const broker = onKafka();
      const [shopUrl, stockUrl] = [await freshDatabase(), await freshDatabase()];
      const shop = await startedOn(shopUrl, {
        providers: [OldShopSteps, NewShopSteps],
        imports: [SagaTrackerModule],
        saga: { ...broker, service: 'shop' },
      });
      const stock = { saga: { ...broker, service: 'stock' } };
      const old = await startedOn(stockUrl, { ...stock, providers: [ReserveSteps] });
      const late = await startedOn(stockUrl, { ...stock, providers: [ReserveBothSteps] });
      const sagas = shop.get(Sagas);
      const begun = [];
      for (let index = 0; index < 60; index += 1) {
        const order = { orderId: `o${index}`, quantity: 1 };
        const { sagaId } = index % 2 === 0 ? await sagas.start(Order, order) : await sagas.start(OrderV2, order);
        begun.push(sagaId);
      }
      const ended = await Promise.all(begun.map((sagaId) => sagas.settled(sagaId, { timeout: 90_000 })));
      expect(ended.map(({ version, status }) => `${version} ${status}`)).toEqual(
        begun.map((_, index) => `${(index % 2) + 1} completed`),
      );
      const letters = await late
        .get<DataSource>(getDataSourceToken())
        .query<{ kind: string; settled: boolean }[]>(
          'SELECT kind, settled_at IS NOT NULL AS settled FROM saga_dead_letter',
        );
      expect(letters.length).toBeGreaterThan(0);
      expect(letters.every(({ kind }) => kind === 'version')).toBe(true);
      await old.close();
    },
  );
});

describeWithKafka('a service that would forget before its topics', () => {
  it('does not start', async () => {
    const url = await freshDatabase();
    const app = startedOn(url, {
      providers: [ReserveSteps],
      saga: { ...onKafka(), service: 'stock', retention: { keep: hour } },
    });
    await expect(app).rejects.toThrow('Finished sagas would be forgotten too soon: records of topic');
  });
});
