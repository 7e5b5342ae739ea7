import { expect, it, vi } from 'vitest';
import type { RecordLifetimes } from '../../libs/saga/src/ports/transport.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage } from './kafka-stage.js';

const hour = 3_600_000;

async function lifetimeWith(config: Readonly<Record<string, string>>): Promise<number | undefined> {
  const stage = new KafkaStage();
  await create(stage, config);
  return told(stage, stage.open().lifetimes);
}

/** A topic that was made just now is not known to every broker yet. */
const told = (stage: KafkaStage, lifetimes: RecordLifetimes): Promise<number | undefined> =>
  vi.waitFor(async () => (await lifetimes.of([stage.topic])).get(stage.topic), { timeout: 20_000, interval: 100 });

function create(stage: KafkaStage, config: Readonly<Record<string, string>>): Promise<boolean> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const topics = [{ topic: stage.topic, numPartitions: 1, replicationFactor: 1, configEntries }];
  return stage.ask((admin) => admin.createTopics({ waitForLeaders: false, topics }));
}

describeWithKafka('how long Kafka may hand over a record again', () => {
  it('is the retention of its topic, and the time until its segment is closed', async () => {
    expect(await lifetimeWith({ 'retention.ms': String(48 * hour), 'segment.ms': String(6 * hour) })).toBe(54 * hour);
  });

  it('is for good where retention.ms is -1', async () => {
    expect(await lifetimeWith({ 'retention.ms': '-1' })).toBe(Infinity);
  });

  it('is for good where a topic is compacted only', async () => {
    expect(await lifetimeWith({ 'cleanup.policy': 'compact', 'retention.ms': String(hour) })).toBe(Infinity);
  });

  it('is told of a topic that says nothing by what the brokers do by default', async () => {
    expect(await lifetimeWith({})).toBeGreaterThanOrEqual(hour);
  });

  it('is told as it is now', async () => {
    const stage = new KafkaStage();
    const { lifetimes } = stage.open();
    await create(stage, {});
    await told(stage, lifetimes);
    await stage.alter({ 'segment.ms': String(hour), 'retention.ms': String(hour) });
    await vi.waitFor(async () => expect(await told(stage, lifetimes)).toBe(2 * hour), 20_000);
    await stage.alter({ 'segment.ms': String(hour), 'retention.ms': '-1' });
    await vi.waitFor(async () => expect(await told(stage, lifetimes)).toBe(Infinity), 20_000);
  });

  it('is told of a topic that this makes first, and of none where none is asked', async () => {
    const stage = new KafkaStage();
    const { lifetimes } = stage.open();
    expect([...(await lifetimes.of([])).keys()]).toEqual([]);
    expect(await told(stage, lifetimes)).toBeGreaterThan(0);
  });

  it('rejects where a topic is missing and may not be made', async () => {
    const stage = new KafkaStage();
    await expect(stage.open({ createTopics: false }).lifetimes.of([stage.topic])).rejects.toThrow('Kafka has no topic');
  });
});
