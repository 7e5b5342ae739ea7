import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startOwnKafka, type Kafka } from '../../scripts/services/kafka.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 80_000, interval: 50 };

describeWithKafka('a Kafka that goes away', () => {
  let own: Kafka;
  beforeAll(async () => {
    own = await startOwnKafka();
  }, 120_000);
  afterAll(() => own.stop());

  it('a broker that is killed and comes back loses no publish, and all is consumed', { timeout: 200_000 }, async () => {
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
    await vi.waitFor(
      () => expect(transport.health()).toMatchObject({ up: true, detail: expect.any(String) }),
      patience,
    );
    expect(stage.said.join('\n')).toMatch(/Publishing to Kafka fails, it is tried again/);
    for (const spy of silent) expect(spy).not.toHaveBeenCalled();
  });

  it(
    'a service that starts before Kafka joins once it is there, and closes soon when it is gone again',
    { timeout: 200_000 },
    async () => {
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
      await own.kill();
      const before = performance.now();
      await transport.close();
      expect(performance.now() - before).toBeLessThan(10_000);
    },
  );
});
