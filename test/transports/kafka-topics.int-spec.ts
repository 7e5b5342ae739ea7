import { expect, it, vi } from 'vitest';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 50_000, interval: 100 };

describeWithKafka('the topics of a service', () => {
  it.each(['compact', 'compact,delete'])('are refused at the start when cleanup.policy is %s', async (policy) => {
    const stage = new KafkaStage();
    await stage.createTopic({ configEntries: [{ name: 'cleanup.policy', value: policy }] });
    await expect(stage.consume(stage.open())).rejects.toMatchObject({
      code: 'TOPIC_UNFIT',
      message: expect.stringContaining(`"${stage.topic}" has cleanup.policy=`),
    });
  });

  it('may be compacted where that is meant', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ configEntries: [{ name: 'cleanup.policy', value: 'compact' }] });
    const transport = stage.open({ compactedTopics: [stage.topic] });
    const taken = await stage.consume(transport);
    await transport.publish([stage.message('row')]);
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['row']), patience);
    expect(transport.health().findings).toEqual([]);
  });

  it('that keep records too short are named, and consumed', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ configEntries: [{ name: 'retention.ms', value: '3600000' }] });
    const transport = stage.open();
    await stage.consume(transport);
    expect(transport.health()).toMatchObject({
      up: true,
      findings: [{ code: 'TOPIC_RETENTION_SHORT', topic: stage.topic }],
    });
  });

  it('that become compacted while they are consumed are named, and go on', async () => {
    const stage = new KafkaStage();
    await stage.createTopic();
    const transport = stage.open();
    const taken = await stage.consume(transport);
    await stage.alter({ 'cleanup.policy': 'compact' });
    await vi.waitFor(
      () => expect(transport.health()).toMatchObject({ up: false, findings: [{ code: 'TOPIC_COMPACTED' }] }),
      patience,
    );
    await transport.publish([stage.message('still')]);
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['still']), patience);
    expect(stage.said.filter((line) => line.includes('cleanup.policy'))).toHaveLength(1);
  });

  it('whose records were deleted before they were consumed are named, with how many are gone', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const first = stage.open();
    const taken = await stage.consume(first);
    await first.publish(stage.messages(10));
    await vi.waitFor(async () => expect(await stage.committed()).toEqual([10]), patience);
    await first.close();
    const second = stage.open();
    await second.publish(stage.messages(20, 'away'));
    await stage.ask(async (admin) => {
      await admin.fetchTopicOffsets(stage.topic);
      await admin.deleteTopicRecords({ topic: stage.topic, partitions: [{ partition: 0, offset: '25' }] });
    });
    const rest = await stage.consume(second);
    await vi.waitFor(() => expect(rest).toHaveLength(5), patience);
    expect(taken).toHaveLength(10);
    expect(second.health().findings).toMatchObject([
      { code: 'RECORDS_LOST', detail: expect.stringContaining('up to 15 records') },
    ]);
  });
});
