import { expect, it } from 'vitest';
import { kafka } from '../../libs/saga/src/adapters/kafka/kafka-transport.js';
import { transportContract } from '../../libs/saga/src/testing/transport-contract.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';

describeWithKafka('the Kafka transport', () => {
  it.each(transportContract.map(({ title, run }) => [title, run] as const))('%s', async (_, run) => {
    const factory = kafka({ brokers: kafkaBrokers(), createTopics: { partitions: 4, replicationFactor: 1 } });
    await expect(run({ factory, prefix: freshTopicPrefix(), patienceMs: 15_000 })).resolves.toBeUndefined();
  });
});
