import { Kafka, logLevel, Partitioners, type Message } from 'kafkajs';
import { expect, it, vi } from 'vitest';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage } from './kafka-stage.js';

const patience = { timeout: 20_000, interval: 20 };

/** As somebody else's producer would. */
async function produce(stage: KafkaStage, messages: Message[]): Promise<void> {
  const client = new Kafka({ brokers: stage.brokers, logLevel: logLevel.NOTHING });
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic: stage.topic, messages });
  await producer.disconnect();
}

describeWithKafka('records of other producers', () => {
  it('arrive whatever they are made of: bytes that are no text are flagged and kept', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]);
    await produce(stage, [
      { key: null, value: bytes, headers: {} },
      { key: 'tombstone', value: null },
      { key: 'many', value: '{}', headers: { same: ['first', Buffer.from('last')], empty: '' } },
      { key: Buffer.from('binary'), value: Buffer.from([0x00, 0x41]) },
    ]);
    const taken = await stage.consume(stage.open());
    await vi.waitFor(() => expect(taken).toHaveLength(4), patience);
    const [broken, tombstone, many, leadingZero] = taken;
    expect(broken).toMatchObject({ key: '', value: '', malformed: 'its value is no UTF-8' });
    expect(Buffer.from(broken!.raw)).toEqual(bytes);
    expect(tombstone).toMatchObject({ key: 'tombstone', value: '', malformed: undefined });
    expect(many).toMatchObject({ headers: { same: 'last', empty: '' }, value: '{}' });
    expect(leadingZero).toMatchObject({ key: 'binary', value: '\u0000A', malformed: undefined });
    expect(many!.origin).toEqual({
      topic: stage.topic,
      partition: 0,
      offset: '2',
      stamp: expect.stringMatching(/^\d+$/) as string,
    });
  });
});
