import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { PublishFailed, TransportClosed } from '../../libs/saga/src/ports/transport.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 40_000, interval: 50 };

const insideKafkajs = createRequire(import.meta.url);

/** The classes inside kafkajs that run a consumer: the only way to make it fail as its own mistakes do. */
const Runner = insideKafkajs('kafkajs/src/consumer/runner.js') as {
  prototype: { handleBatch(batch: unknown): Promise<void> };
};
interface ConsumerGroupInside {
  heartbeat(options: unknown): Promise<void>;
  fetch(node: unknown): Promise<unknown[]>;
}
const ConsumerGroup = insideKafkajs('kafkajs/src/consumer/consumerGroup.js') as { prototype: ConsumerGroupInside };

/** Stops what kafkajs does for the consumers that are there by now, as a process does that is stopped: their group puts them out. */
function stallConsumers(): { begin(): void; end(): void } {
  const { heartbeat, fetch } = ConsumerGroup.prototype;
  const seen = new Set<unknown>();
  let stalled = new Set<unknown>();
  const beating = vi.spyOn(ConsumerGroup.prototype, 'heartbeat').mockImplementation(async function (
    this: unknown,
    options,
  ) {
    seen.add(this);
    if (!stalled.has(this)) await heartbeat.call(this as ConsumerGroupInside, options);
  });
  const fetching = vi.spyOn(ConsumerGroup.prototype, 'fetch').mockImplementation(async function (this: unknown, node) {
    if (!stalled.has(this)) return fetch.call(this as ConsumerGroupInside, node);
    await sleep(50);
    return [];
  });
  onTestFinished(() => [beating, fetching].forEach((spy) => spy.mockRestore()));
  return { begin: () => (stalled = new Set(seen)), end: () => (stalled = new Set()) };
}

describeWithKafka('failing Kafka', () => {
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
    expect(transport.health()).toMatchObject({
      up: false,
      detail: expect.stringMatching(/publishing fails: .*ECONNREFUSED/),
    });
  });

  it('close does not wait for a Kafka that is away: what is not published rejects', async () => {
    const stage = new KafkaStage(['127.0.0.1:1']);
    const transport = stage.open({ publishTimeoutMs: 60_000 });
    const endings = Promise.allSettled([stage.consume(transport), transport.publish(stage.messages(3))]);
    await sleep(200);
    const before = performance.now();
    await transport.close();
    expect(performance.now() - before).toBeLessThan(10_000);
    const reasons = (await endings).map(
      (ending) => (ending.status === 'rejected' ? ending.reason : 'resolved') as unknown,
    );
    expect(reasons).toEqual([expect.any(TransportClosed), expect.any(PublishFailed)]);
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
    expect(stage.said).toEqual([expect.stringContaining('Cannot read properties of undefined')]);
  });

  it('a member that was put out of the group begins again where the others are, and commits nothing of before', async () => {
    const stage = new KafkaStage();
    const first = stage.open({ sessionTimeoutMs: 1_500 });
    const stall = stallConsumers();
    const inHand: string[] = [];
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const byFirst = await stage.consume(first, async (records) => {
      inHand.push(...valuesOf(records));
      if (inHand.length <= 40) await released;
    });
    await first.publish(stage.messages(40));
    await vi.waitFor(() => expect(inHand).toHaveLength(40), patience);
    stall.begin();
    const bySecond = await stage.consume(stage.open());
    await first.publish(stage.messages(60, 'later '));
    await vi.waitFor(() => expect(bySecond).toHaveLength(100), patience);
    const sum = async (): Promise<number> => (await stage.committed()).reduce((total, offset) => total + offset, 0);
    await vi.waitFor(async () => expect(await sum()).toBe(100), patience);
    stall.end();
    release();
    await vi.waitFor(async () => {
      await first.publish(stage.messages(20, 'last '));
      expect(byFirst.some(({ value }) => value.startsWith('last'))).toBe(true);
    }, patience);
    expect(await sum()).toBeGreaterThanOrEqual(100);
    expect(byFirst.filter(({ value }) => value.startsWith('later'))).toEqual([]);
  });
});
