import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startOwnKafka } from '../../scripts/services/kafka.js';
import { NoBroker } from '../../scripts/services/no-broker.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 120_000, interval: 100 };

describeWithKafka('a Kafka of three brokers', () => {
  it('loses no acknowledged message when the leaders of partitions die', { timeout: 400_000 }, async ({ skip }) => {
    const own = await startOwnKafka({ nodes: 3, settings: { 'min.insync.replicas': '2' } }).catch((error: unknown) => {
      if (!(error instanceof NoBroker) || process.env['CI'] === 'true') throw error;
      console.error(`FAILOVER OF KAFKA IS NOT TESTED: ${error.message}`);
      return skip(error.message);
    });
    onTestFinished(() => own.stop(), 60_000);
    const stage = new KafkaStage(own.brokers);
    const transport = stage.open({ createTopics: { partitions: 6, replicationFactor: 3 }, publishTimeoutMs: 120_000 });
    const taken = await stage.consume(transport);
    const acknowledged: string[] = [];
    const writing = new AbortController();
    const writer = (async () => {
      for (let round = 0; !writing.signal.aborted; round += 1) {
        const messages = stage.messages(20, `${round}-`);
        await transport.publish(messages);
        acknowledged.push(...messages.map(({ value }) => value));
        await sleep(2);
      }
    })();
    for (const node of [1, 2, 3]) {
      const before = acknowledged.length;
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(before + 200), patience);
      await own.kill(node);
      const after = acknowledged.length;
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(after + 200), patience);
      await own.restart(node);
    }
    writing.abort();
    await writer;
    await vi.waitFor(() => expect(new Set(valuesOf(taken)).size).toBe(acknowledged.length), patience);
  });
});
