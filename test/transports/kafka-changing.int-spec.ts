import { expect, it, vi } from 'vitest';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 50_000, interval: 50 };

describeWithKafka('a topic that changes while it is consumed', () => {
  it('and gets partitions loses nothing: theirs are consumed too, within seconds', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const taken = await stage.consume(stage.open());
    const before = stage.messages(20, 'before');
    const publisher = stage.open();
    await publisher.publish(before);
    await stage.ask((admin) => admin.createPartitions({ topicPartitions: [{ topic: stage.topic, count: 8 }] }));
    const after = stage.messages(200, 'after');
    await stage.open().publish(after);
    await vi.waitFor(() => expect(new Set(taken.map(({ origin }) => origin.partition)).size).toBe(8), patience);
    await vi.waitFor(
      () => expect(new Set(valuesOf(taken))).toEqual(new Set([...before, ...after].map(({ value }) => value))),
      patience,
    );
  });

  it('and is deleted and made anew is consumed from its first record', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 2 });
    const transport = stage.open();
    const taken = await stage.consume(transport);
    await transport.publish(stage.messages(300, 'old'));
    await vi.waitFor(() => expect(taken).toHaveLength(300), patience);
    await stage.ask((admin) => admin.deleteTopics({ topics: [stage.topic] }));
    const anew = stage.messages(20, 'new');
    await transport.publish(anew);
    await vi.waitFor(
      () => expect(new Set(valuesOf(taken).slice(300))).toEqual(new Set(anew.map(({ value }) => value))),
      patience,
    );
  });
});
