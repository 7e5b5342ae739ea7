import type { Broker, Cluster } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KafkaFetches } from './kafka-fetches.js';
import { KafkaFindings } from './kafka-findings.js';

type Request = Parameters<Broker['fetch']>[0];

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

/** A broker with three partitions of one topic; some of them fail a fetch in which they are. */
function scene() {
  const broken = new Map<number, Error>();
  const asked: number[][] = [];
  const said: string[] = [];
  const say = (line: string): void => void said.push(line);
  const findings = new KafkaFindings({ error: say, warn: say, log: say });
  const fetches = new KafkaFetches('shop', findings);
  const fetch = async ({ topics }: Request): Promise<unknown> => {
    const partitions = topics.flatMap((topic) => topic.partitions.map(({ partition }) => partition));
    asked.push(partitions);
    for (const partition of partitions) if (broken.has(partition)) throw broken.get(partition)!;
    const answers = partitions.map((partition) => ({ partition, highWatermark: '10' }));
    return { responses: [{ topicName: 'orders', partitions: answers }] };
  };
  const broker = { fetch } as unknown as Broker;
  const cluster = { findBroker: async () => broker } as unknown as Cluster;
  fetches.watch(cluster);
  return { broken, asked, said, findings, fetches, read: (offsets = ['5', '5', '5']) => readFrom(cluster, offsets) };
}

async function readFrom(cluster: Cluster, offsets: readonly string[]): Promise<number[]> {
  const broker = await cluster.findBroker({ nodeId: '1' });
  const partitions = offsets.map((fetchOffset, partition) => ({ partition, fetchOffset, maxBytes: 100 }));
  const answer = (await broker.fetch({ topics: [{ topic: 'orders', partitions }], maxWaitTime: 1 })) as {
    responses: { partitions: { partition: number }[] }[];
  };
  return answer.responses
    .flatMap((topic) => topic.partitions.map(({ partition }) => partition))
    .toSorted((one, other) => one - other);
}

const undecodable = (): Error => Object.assign(new Error('LZ4 block is broken'), { name: 'RangeError' });

test('a partition that cannot be decoded is left out, and the others are read', async () => {
  const { broken, asked, said, findings, read } = scene();
  broken.set(1, undecodable());
  expect(await read()).toEqual([0, 2]);
  expect(await read()).toEqual([0, 2]);
  expect(asked).toEqual([[0, 1, 2], [0], [1], [2], [0, 2]]);
  expect(findings.list()).toMatchObject([
    { code: 'RECORDS_UNREADABLE', severity: 'error', topic: 'orders', partition: 1, group: 'shop' },
  ]);
  expect(said).toEqual([expect.stringContaining('cannot read orders[1] from offset 5 on')]);
});

test('it is tried again after growing pauses, says nothing more meanwhile, and goes on from the same offset', async () => {
  const { broken, asked, said, findings, read } = scene();
  broken.set(1, undecodable());
  await read();
  let tries = 0;
  for (let second = 0; second < 60; second += 1) {
    asked.length = 0;
    vi.setSystemTime(Date.now() + 1_000);
    await read();
    if (asked.some((partitions) => partitions.length === 1 && partitions[0] === 1)) tries += 1;
  }
  expect(tries).toBeGreaterThan(2);
  expect(tries).toBeLessThan(8);
  expect(said).toHaveLength(1);
  broken.clear();
  vi.setSystemTime(Date.now() + 120_000);
  expect(await read()).toEqual([0, 1, 2]);
  expect(findings.list()).toEqual([]);
  expect(said.at(-1)).toContain('No longer so');
});

test.each(['KafkaJSConnectionError', 'KafkaJSRequestTimeoutError', 'KafkaJSOffsetOutOfRange', 'KafkaJSBrokerNotFound'])(
  '%s is no matter of a partition: kafkajs takes care of it',
  async (name) => {
    const { broken, findings, read } = scene();
    broken.set(1, Object.assign(new Error('away'), { name, topic: 'orders', partition: 1 }));
    await expect(read()).rejects.toThrow('away');
    expect(findings.list()).toEqual([]);
  },
);

test('what is assigned to somebody else is forgotten', async () => {
  const { broken, findings, fetches, read } = scene();
  broken.set(1, undecodable());
  await read();
  fetches.keep(new Set(['orders/0']));
  expect(findings.list()).toEqual([]);
  expect([...fetches.positions.keys()]).toEqual(['orders/0']);
});

test('records that were deleted before they were consumed are told, with how many they may be', async () => {
  const { broken, findings, read } = scene();
  broken.set(2, Object.assign(new Error('gone'), { name: 'KafkaJSOffsetOutOfRange', topic: 'orders', partition: 2 }));
  await expect(read(['5', '5', '5'])).rejects.toThrow('gone');
  broken.clear();
  await read(['5', '5', '8']);
  expect(findings.list()).toMatchObject([
    { code: 'RECORDS_LOST', severity: 'error', partition: 2, detail: expect.stringContaining('up to 3 records') },
  ]);
  vi.setSystemTime(Date.now() + 3_700_000);
  expect(findings.list()).toEqual([]);
});

test('a topic that began anew is told as such', async () => {
  const { broken, findings, read } = scene();
  broken.set(0, Object.assign(new Error('gone'), { name: 'KafkaJSOffsetOutOfRange', topic: 'orders', partition: 0 }));
  await expect(read()).rejects.toThrow('gone');
  broken.clear();
  await read(['0', '5', '5']);
  expect(findings.list()).toMatchObject([{ code: 'OFFSETS_BEGAN_ANEW', severity: 'warning', partition: 0 }]);
});
