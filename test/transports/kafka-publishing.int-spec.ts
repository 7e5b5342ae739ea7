import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { PublishFailed } from '../../libs/saga/src/ports/transport.js';
import { TopicsMissing } from '../../libs/saga/src/adapters/kafka/kafka-topics.js';
import { describeWithKafka } from '../support/kafka.js';
import { CuttingProxy } from './cutting-proxy.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 20_000, interval: 20 };

async function failureOf(published: Promise<void>): Promise<PublishFailed> {
  const error = await published.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PublishFailed);
  return error as PublishFailed;
}

describeWithKafka('publishing to Kafka', () => {
  it('concurrent publishes lose nothing and double nothing when connections are cut after the broker took a send', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const proxy = await CuttingProxy.before(stage.brokers[0]!);
    const transport = stage.open({ socketFactory: proxy.socketFactory });
    await transport.publish([stage.message('first')]);
    proxy.cutEvery = 8;
    const all = stage.messages(400);
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let index = writer; index < all.length; index += 8) {
        await transport.publish([all[index]!]);
        await sleep(index % 5);
      }
    });
    await Promise.all(writers);
    expect(proxy.cuts).toBeGreaterThan(5);
    const taken = await stage.consume(stage.open());
    await vi.waitFor(() => expect(new Set(valuesOf(taken)).size).toBe(401), patience);
    expect(taken).toHaveLength(401);
  });

  it('what is published after a rejected publish is not taken for its repetition', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const proxy = await CuttingProxy.before(stage.brokers[0]!);
    const transport = stage.open({ socketFactory: proxy.socketFactory, publishTimeoutMs: 500 });
    await transport.publish([stage.message('before')]);
    proxy.cutEvery = 1;
    await failureOf(transport.publish([stage.message('rejected')]));
    proxy.cutEvery = 0;
    await transport.publish([stage.message('after')]);
    const taken = await stage.consume(stage.open());
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['before', 'rejected', 'after']), patience);
  });

  it('a message over the limit is named and never retriable, and the rest of its call is published', async () => {
    const stage = new KafkaStage();
    const transport = stage.open();
    const giant = { ...stage.message('giant'), value: 'x'.repeat(1_100_000) };
    const failure = await failureOf(transport.publish([stage.message('before'), giant, stage.message('after')]));
    expect(failure.unpublished).toEqual([
      {
        message: giant,
        reason: expect.stringMatching(/bytes are more than the 1000000 of maxMessageBytes/),
        retriable: false,
      },
    ]);
    expect(failure.message).toContain('giant');
    expect(failure.facts.retriable).toBe(false);
    const taken = await stage.consume(stage.open());
    await vi.waitFor(() => expect(valuesOf(taken).toSorted()).toEqual(['after', 'before']), patience);
  });

  it('a message that only the broker finds too large is found among the others, which are published', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '50000' }] });
    const transport = stage.open();
    const large = { ...stage.message('large'), value: 'x'.repeat(100_000) };
    const small = stage.messages(20);
    const failure = await failureOf(transport.publish([...small.slice(0, 7), large, ...small.slice(7)]));
    expect(failure.unpublished.map(({ message, retriable }) => [message.headers['ce_id'], retriable])).toEqual([
      ['large', false],
    ]);
    const taken = await stage.consume(stage.open());
    await vi.waitFor(
      () => expect(new Set(valuesOf(taken))).toEqual(new Set(small.map(({ value }) => value))),
      patience,
    );
    expect(transport.health()).toMatchObject({ up: true, detail: expect.stringContaining('publishing works') });
  });

  it('without createTopics a missing topic is named with what to do, and holds up no other', async () => {
    const stage = new KafkaStage();
    await stage.createTopic();
    const transport = stage.open({ createTopics: false });
    const stray = { ...stage.message('stray'), topic: `${stage.prefix}missing` };
    const failure = await failureOf(transport.publish([stage.message('one'), stray, stage.message('two')]));
    expect(failure.unpublished).toEqual([
      { message: stray, reason: expect.stringContaining(`no topic "${stray.topic}". Create it`), retriable: true },
    ]);
    const taken = await stage.consume(transport);
    await vi.waitFor(() => expect(valuesOf(taken).toSorted()).toEqual(['one', 'two']), patience);
    const missing = transport.subscribe({ group: stage.group, topics: [stray.topic], handle: async () => undefined });
    await expect(missing).rejects.toThrow(TopicsMissing);
    await expect(missing).rejects.toThrow(/createTopics/);
  });

  it('services that start at once make the same topics without a quarrel', async () => {
    const stage = new KafkaStage();
    const services = Array.from({ length: 4 }, () =>
      stage.open({ createTopics: { partitions: 3, replicationFactor: 1 } }),
    );
    await Promise.all(
      services.flatMap((service, index) => [service.publish([stage.message(`from ${index}`)]), stage.consume(service)]),
    );
    const { topics } = await stage.ask((admin) => admin.fetchTopicMetadata({ topics: [stage.topic] }));
    expect(topics[0]?.partitions).toHaveLength(3);
  });

  it('a topic that Kafka refuses to make is named, with what to do', async () => {
    const stage = new KafkaStage();
    const transport = stage.open({ createTopics: { partitions: 3, replicationFactor: 7 }, publishTimeoutMs: 500 });
    const failure = await failureOf(transport.publish([stage.message('nowhere')]));
    expect(failure.message).toMatch(
      /no topic ".*events". It refuses to create it with 3 partitions on 7 brokers \(.+\). Create it by hand/,
    );
  });
});
