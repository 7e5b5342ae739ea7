import { afterEach, expect, it, vi } from 'vitest';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const hour = 3_600_000;
const patience = { timeout: 20_000, interval: 20 };

afterEach(() => vi.restoreAllMocks());

function clockIsOffBy(ms: number): void {
  const now = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
}

describeWithKafka('a process whose clock is wrong', () => {
  it.each([
    [
      'two hours ahead, where the broker bounds the time of records',
      2 * hour,
      { 'message.timestamp.after.max.ms': `${hour}` },
    ],
    ['a day behind, where it bounds it too', -24 * hour, { 'message.timestamp.before.max.ms': `${hour}` }],
    [
      'a day behind, on a topic that keeps records for an hour',
      -24 * hour,
      { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': `${hour}` },
    ],
  ])('publishes and consumes as ever: %s', async (_what, offBy, config) => {
    const stage = new KafkaStage();
    await stage.createTopic({ configEntries: Object.entries(config).map(([name, value]) => ({ name, value })) });
    clockIsOffBy(offBy);
    const transport = stage.open();
    await transport.publish(stage.messages(20));
    await transport.publish(stage.messages(20, 'later'));
    const taken = await stage.consume(transport);
    await vi.waitFor(() => expect(new Set(valuesOf(taken)).size).toBe(40), patience);
    const bounded = !('message.timestamp.type' in config);
    expect(stage.said.filter((line) => line.includes('its clock is wrong'))).toHaveLength(bounded ? 1 : 0);
  });

  it('counts for nothing on a topic that the library makes: its records have the time of the broker', async () => {
    const stage = new KafkaStage();
    clockIsOffBy(2 * hour);
    await stage.open().publish(stage.messages(1));
    expect(stage.said.filter((line) => line.includes('its clock is wrong'))).toEqual([]);
  });
});

describeWithKafka('a transport', () => {
  it('tells whether a group has consumed before', async () => {
    const stage = new KafkaStage();
    const transport = stage.open();
    await transport.publish(stage.messages(3));
    const asked = () => stage.open().hasConsumed?.([`${stage.group}.other`, stage.group]);
    expect(await asked()).toBe(false);
    await stage.consume(transport);
    await vi.waitFor(async () => expect(await asked()).toBe(true), patience);
  });
});
