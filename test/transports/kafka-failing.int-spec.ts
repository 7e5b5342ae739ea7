import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { PublishFailed } from '../../libs/saga/src/ports/transport.js';
import { startOwnKafka, type Kafka } from '../../scripts/services/kafka.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 40_000, interval: 50 };

async function ownKafka(): Promise<Kafka> {
  const own = await startOwnKafka();
  onTestFinished(() => own.stop());
  return own;
}

/** The class inside kafkajs that runs a consumer: the only way to make it fail as its own mistakes do. */
const Runner = createRequire(import.meta.url)('kafkajs/src/consumer/runner.js') as {
  prototype: { handleBatch(batch: unknown): Promise<void> };
};

describeWithKafka('failing Kafka', () => {
  it('a broker that is killed and comes back loses no publish, and all is consumed', { timeout: 120_000 }, async () => {
    const own = await ownKafka();
    const stage = new KafkaStage(own.brokers);
    const silent = [vi.spyOn(console, 'error'), vi.spyOn(console, 'log'), vi.spyOn(console, 'warn')];
    const transport = stage.open({ publishTimeoutMs: 60_000, sessionTimeoutMs: 3_000 });
    const taken = await stage.consume(transport);
    const acknowledged: string[] = [];
    const writing = new AbortController();
    const writer = (async () => {
      for (let index = 0; !writing.signal.aborted; index += 1) {
        await transport.publish([stage.message(`m${index}`)]);
        acknowledged.push(`m${index}`);
        await sleep(5);
      }
    })();
    await vi.waitFor(() => expect(taken.length).toBeGreaterThan(50), patience);
    await own.kill();
    const beforeTheKill = acknowledged.length;
    await vi.waitFor(() => expect(transport.health().up).toBe(false), patience);
    await own.restart();
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(beforeTheKill + 50), patience);
    writing.abort();
    await writer;
    await vi.waitFor(() => expect(new Set(valuesOf(taken))).toEqual(new Set(acknowledged)), patience);
    await vi.waitFor(() => expect(transport.health()).toEqual({ up: true, detail: expect.any(String) }), patience);
    expect(stage.said.join('\n')).toMatch(/Publishing to Kafka fails, it is tried again/);
    for (const spy of silent) expect(spy).not.toHaveBeenCalled();
  });

  it('a publish that finds no Kafka in time rejects as retriable, and health says why', async () => {
    const stage = new KafkaStage(['127.0.0.1:1']);
    const transport = stage.open({ publishTimeoutMs: 1_000 });
    const messages = stage.messages(3);
    const error = await transport.publish(messages).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(PublishFailed);
    const { unpublished } = error as PublishFailed;
    expect(unpublished.map(({ message, retriable }) => [message, retriable])).toEqual(
      messages.map((message) => [message, true]),
    );
    expect(transport.health()).toEqual({
      up: false,
      detail: expect.stringMatching(/publishing fails: .*ECONNREFUSED/),
    });
  });

  it('a service that starts before Kafka joins once it is there', { timeout: 120_000 }, async () => {
    const own = await ownKafka();
    await own.kill();
    const stage = new KafkaStage(own.brokers);
    const transport = stage.open({ publishTimeoutMs: 60_000 });
    const joining = stage.consume(transport);
    const publishing = transport.publish([stage.message('early')]);
    await vi.waitFor(() => expect(transport.health().detail).toMatch(/does not consume: .*ECONNREFUSED/), patience);
    await own.restart();
    await publishing;
    const taken = await joining;
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['early']), patience);
  });

  it('a TypeError inside kafkajs brings the consumer down, and it is built anew', async () => {
    const stage = new KafkaStage();
    const transport = stage.open();
    const taken = await stage.consume(transport);
    const crash = vi.spyOn(Runner.prototype, 'handleBatch').mockRejectedValueOnce(new TypeError('kafkajs tripped'));
    onTestFinished(() => crash.mockRestore());
    const downs: string[] = [];
    const watch = setInterval(() => transport.health().up || downs.push(transport.health().detail), 10);
    onTestFinished(() => clearInterval(watch));
    await vi.waitFor(
      () =>
        expect(stage.said).toContainEqual(
          expect.stringMatching(/does not consume, it begins again in \d+ ms: kafkajs tripped/),
        ),
      patience,
    );
    await transport.publish(stage.messages(20));
    await vi.waitFor(() => expect(taken).toHaveLength(20), patience);
    expect(downs[0]).toContain('does not consume: kafkajs tripped');
    expect(transport.health().up).toBe(true);
  });

  it('a TypeError of a handler is a refusal like any other: the batch comes again', async () => {
    const stage = new KafkaStage();
    const transport = stage.open();
    let attempts = 0;
    const taken = await stage.consume(transport, () => {
      attempts += 1;
      if (attempts === 1) (undefined as unknown as { trip(): void }).trip();
    });
    await transport.publish([stage.message('again')]);
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['again']), patience);
    expect(attempts).toBe(2);
    expect(stage.said).toEqual([expect.stringContaining('TypeError')]);
  });
});
