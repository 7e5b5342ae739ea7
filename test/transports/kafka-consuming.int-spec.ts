import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage, valuesOf } from './kafka-stage.js';

const patience = { timeout: 20_000, interval: 20 };

describeWithKafka('consuming from Kafka', () => {
  it('a handler that takes longer than the session timeout keeps its partitions, and its records come once', async () => {
    const stage = new KafkaStage();
    const transport = stage.open({ sessionTimeoutMs: 1_500 });
    const started: string[] = [];
    const taken = await stage.consume(transport, async (records) => {
      started.push(...valuesOf(records));
      await sleep(4_000);
    });
    await transport.publish([stage.message('slow')]);
    await vi.waitFor(() => expect(valuesOf(taken)).toEqual(['slow']), patience);
    await vi.waitFor(async () => expect((await stage.committed()).toSorted((a, b) => b - a)[0]).toBe(1), patience);
    expect(started).toEqual(['slow']);
    expect(transport.health().up).toBe(true);
  });

  it('a partition whose batch is refused rests and comes again, while the others flow', async () => {
    const stage = new KafkaStage();
    const transport = stage.open();
    let away = true;
    const refused: IncomingRecord[][] = [];
    const taken = await stage.consume(transport, (records) => {
      if (!away || records[0]?.origin.partition !== 2) return;
      refused.push([...records]);
      throw new Error('the database is away');
    });
    await transport.publish(stage.messages(100, 'before '));
    await vi.waitFor(() => expect(refused.length).toBeGreaterThan(0), patience);
    await sleep(300);
    for (let round = 0; round < 20; round += 1) await transport.publish(stage.messages(20, `meanwhile ${round} `));
    const meanwhile = (): IncomingRecord[] => taken.filter(({ value }) => value.startsWith('meanwhile'));
    await sleep(1_500);
    const flowed = meanwhile().length;
    expect(refused.length).toBeGreaterThan(1);
    expect(refused.length).toBeLessThan(12);
    away = false;
    await vi.waitFor(() => expect(new Set(valuesOf(taken)).size).toBe(500), patience);
    expect(taken).toHaveLength(500);
    expect(flowed).toBe(meanwhile().filter(({ origin }) => origin.partition !== 2).length);
    expect(stage.said).toContainEqual(
      expect.stringMatching(
        /records of .*events\[2\] from offset 0 come again in \d+ ms, and others like them: the database is away/,
      ),
    );
  });

  it('two members share the partitions, and the one that stays takes over all of them', async () => {
    const stage = new KafkaStage();
    const [first, second] = [stage.open(), stage.open()];
    const byFirst = await stage.consume(first);
    const bySecond = await stage.consume(second);
    const partitionsOf = (records: IncomingRecord[]): Set<number | undefined> =>
      new Set(records.map(({ origin }) => origin.partition));
    await vi.waitFor(async () => {
      byFirst.length = 0;
      bySecond.length = 0;
      await first.publish(stage.messages(40));
      await vi.waitFor(() => expect(byFirst.length + bySecond.length).toBe(40), { timeout: 3_000 });
      expect([partitionsOf(byFirst).size, partitionsOf(bySecond).size]).toEqual([2, 2]);
    }, patience);
    expect(new Set([...partitionsOf(byFirst), ...partitionsOf(bySecond)]).size).toBe(4);
    await second.drain();
    byFirst.length = 0;
    await first.publish(stage.messages(40, 'later '));
    await vi.waitFor(() => expect(partitionsOf(byFirst).size).toBe(4), patience);
  });

  it('what a member has in hand is not handed to it again when another joins', async () => {
    const stage = new KafkaStage();
    const first = stage.open();
    const started: string[] = [];
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await stage.consume(first, async (records) => {
      started.push(...valuesOf(records));
      await released;
    });
    await first.publish(stage.messages(40));
    await vi.waitFor(() => expect(started).toHaveLength(40), patience);
    const bySecond = await stage.consume(stage.open());
    await vi.waitFor(() => expect(bySecond.length).toBeGreaterThan(0), patience);
    await sleep(1_000);
    expect(started).toHaveLength(40);
    expect(new Set(bySecond.map(({ origin }) => origin.partition)).size).toBe(2);
    release();
  });

  it('a drain in the midst of a batch commits what is handled, and no more', async () => {
    const stage = new KafkaStage();
    await stage.createTopic({ numPartitions: 1 });
    const transport = stage.open();
    const endings: (() => void)[] = [];
    await stage.consume(transport, (records) => {
      const first = Number(records[0]?.origin.offset);
      return new Promise((resolve, reject) =>
        endings.push(() => (first === 500 ? reject(new Error('interrupted')) : resolve())),
      );
    });
    await transport.publish(stage.messages(800));
    await transport.publish(stage.messages(700, 'later '));
    await vi.waitFor(() => expect(endings.length).toBe(4), patience);
    const drained = transport.drain();
    for (const end of endings) end();
    await drained;
    expect(endings).toHaveLength(4);
    expect(await stage.committed()).toEqual([500]);
    const rest = await stage.consume(stage.open());
    await vi.waitFor(() => expect(rest.at(-1)?.value).toBe('later 699'), patience);
    expect(rest[0]?.origin.offset).toBe('500');
    expect(rest).toHaveLength(1_000);
  });

  it('drains in less than a second when nothing is in hand', async () => {
    const stage = new KafkaStage();
    const transport = stage.open();
    const taken = await stage.consume(transport);
    await transport.publish(stage.messages(10));
    await vi.waitFor(() => expect(taken).toHaveLength(10), patience);
    const before = performance.now();
    await transport.drain();
    expect(performance.now() - before).toBeLessThan(1_000);
    expect((await stage.committed()).filter((offset) => offset > 0).reduce((sum, offset) => sum + offset, 0)).toBe(10);
  });
});
