import kafkajs from 'kafkajs';
import { expect, it, onTestFinished, vi } from 'vitest';
import { canWriteZstd, type Compression } from '../../libs/saga/src/adapters/kafka/kafka-codecs.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 40_000, interval: 50 };
const { CompressionCodecs, CompressionTypes } = kafkajs;
const codecs = CompressionCodecs as unknown as Record<number, () => unknown>;
const written: readonly Compression[] = ['gzip', 'snappy', 'lz4', ...(canWriteZstd ? (['zstd'] as const) : [])];

const compressed = (policy: string) => ({ configEntries: [{ name: 'compression.type', value: policy }] });
const long = 'records that repeat themselves. '.repeat(200);

describeWithKafka('compressed records', () => {
  it.each(['gzip', 'snappy', 'lz4', 'zstd'])('that the broker compresses with %s are read', async (policy) => {
    const stage = new KafkaStage();
    await stage.createTopic(compressed(policy));
    const transport = stage.open();
    const taken = await stage.consume(transport);
    const messages = stage.messages(40, `${long}-`);
    await transport.publish(messages);
    await vi.waitFor(
      () => expect(new Set(valuesOf(taken))).toEqual(new Set(messages.map(({ value }) => value))),
      patience,
    );
  });

  it.each(written)(
    'that are written with %s are taken by the broker, which reads them, and are read',
    async (compression) => {
      const stage = new KafkaStage();
      const other = compression === 'gzip' ? 'lz4' : 'gzip';
      await stage.createTopic(compressed(other));
      const transport = stage.open({ compression });
      const taken = await stage.consume(transport);
      const messages = stage.messages(40, `${long}-`);
      await transport.publish(messages);
      await vi.waitFor(
        () => expect(new Set(valuesOf(taken))).toEqual(new Set(messages.map(({ value }) => value))),
        patience,
      );
    },
  );

  it('that nobody can decode stop no other topic; they are named meanwhile, and read once they can be', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1, ...compressed('lz4') });
    const other = `${stage.prefix}other`;
    const good = stage.open();
    await good.publish(stage.messages(3));
    const codec = codecs[CompressionTypes.LZ4]!;
    codecs[CompressionTypes.LZ4] = () => ({ decompress: () => Promise.reject(new RangeError('its block is broken')) });
    onTestFinished(() => void (codecs[CompressionTypes.LZ4] = codec));
    const transport = stage.open();
    const taken: string[] = [];
    await transport.subscribe({
      group: stage.group,
      topics: [stage.topic, other],
      handle: async (records) => void taken.push(...valuesOf(records)),
    });
    await transport.publish([{ ...stage.message('of the other topic'), topic: other }]);
    await vi.waitFor(() => expect(taken).toEqual(['of the other topic']), patience);
    expect(transport.health()).toMatchObject({
      up: false,
      groups: [{ status: 'down' }],
      findings: [{ code: 'RECORDS_UNREADABLE', topic: stage.topic, partition: 0 }],
    });
    expect(stage.said.filter((line) => line.includes('its block is broken'))).toHaveLength(1);
    expect(await stage.committed()).toEqual([-1]);
    codecs[CompressionTypes.LZ4] = codec;
    await vi.waitFor(() => expect(taken).toHaveLength(4), patience);
    expect(transport.health()).toMatchObject({ up: true, findings: [] });
  });
});
