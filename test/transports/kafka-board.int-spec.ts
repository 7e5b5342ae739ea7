import { randomUUID } from 'node:crypto';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { kafka, type Transport } from 'nest-saga';
import { expect, it, onTestFinished } from 'vitest';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';

type Posting = Parameters<NonNullable<Transport['board']>['post']>[1][number];

const createTopics = { partitions: 4, replicationFactor: 1 };

function open(options: { readonly createTopics?: typeof createTopics } = { createTopics }, lines: string[] = []) {
  const say = (line: string): void => void lines.push(line);
  const logger = { log: say, warn: say, error: say };
  const transport = kafka({ brokers: [...kafkaBrokers()], ...options })({ service: 'hotel', logger });
  onTestFinished(() => transport.close());
  return { transport, board: transport.board!, lines };
}

async function withAdmin<T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [...kafkaBrokers()], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

describeWithKafka('the board on Kafka', () => {
  it(
    'gives each reader all that stands there and all that comes, in one order, with the time of the broker',
    { timeout: 60_000 },
    async () => {
      const name = `${freshTopicPrefix()}saga.announcements`;
      const [first, second] = [open(), open()];
      const seen: [Posting[], Posting[]] = [[], []];
      await first.board.read(name, (posting) => seen[0].push(posting));
      await first.board.post(name, [{ key: 'a', value: '1' }, { key: 'b', value: '2' }]); // prettier-ignore
      await second.board.read(name, (posting) => seen[1].push(posting));
      await second.board.post(name, [{ key: 'a' }]);
      for (const postings of seen) {
        await expect.poll(() => postings.length, { timeout: 20_000 }).toBe(3);
        expect(postings.map(({ key, value }) => [key, value])).toEqual([['a', '1'], ['b', '2'], ['a', undefined]]); // prettier-ignore
        expect(postings.every(({ at }) => Math.abs(at! - Date.now()) < 60_000)).toBe(true);
      }
      const { resources } = await withAdmin((admin) => admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name }] })); // prettier-ignore
      const configs = resources[0]!.configEntries.map(({ configName, configValue }) => `${configName}=${configValue}`);
      expect(configs).toEqual(
        expect.arrayContaining(['cleanup.policy=compact', 'message.timestamp.type=LogAppendTime']),
      );
      const { topics } = await withAdmin((admin) => admin.fetchTopicMetadata({ topics: [name] }));
      expect(topics[0]!.partitions).toHaveLength(1);
    },
  );

  it('leaves no consumer group behind', { timeout: 60_000 }, async () => {
    const name = `${freshTopicPrefix()}saga.announcements`;
    const { board } = open();
    const groups = async (): Promise<number> => {
      const listed = await withAdmin((admin) => admin.listGroups());
      return listed.groups.filter(({ groupId }) => groupId.includes(name)).length;
    };
    const end = await board.read(name, () => undefined);
    expect(await groups()).toBe(1);
    await end();
    expect(await groups()).toBe(0);
  });

  it(
    'cannot be read where its topic is missing and may not be made, which concerns the board alone',
    { timeout: 60_000 },
    async () => {
      // prettier-ignore
      const { board, transport } = open({});
      const name = `missing-${randomUUID()}`;
      await expect(board.read(name, () => undefined)).rejects.toThrow(`Kafka has no topic "${name}"; create it with one partition and cleanup.policy=compact`); // prettier-ignore
      expect(transport.health()).toMatchObject({ up: true });
    },
  );
});
