import { Kafka, logLevel, PartitionAssigners, type Consumer, type PartitionAssigner } from 'kafkajs';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Transport } from '../../libs/saga/src/ports/transport.js';
import { describeWithKafka } from '../support/kafka.js';
import { KafkaStage } from './kafka-stage.js';

const patience = { timeout: 40_000, interval: 50 };

/** What a replica was given of the group, by topic. */
const assignmentOf = (transport: Transport): Readonly<Record<string, readonly number[]>> =>
  transport.health().groups?.[0]?.assignment ?? {};

function subscribed(stage: KafkaStage, topics: readonly string[], taken: string[] = []): Promise<Transport> {
  const transport = stage.open();
  const handle = async (records: readonly { readonly value: string }[]): Promise<void> =>
    void taken.push(...records.map(({ value }) => value));
  return transport.subscribe({ group: stage.group, topics, handle }).then(() => transport);
}

/** A consumer of kafkajs's own, as in a replica of an earlier release, or in another program. */
async function plainMember(
  stage: KafkaStage,
  clientId: string,
  topics: string[],
  partitionAssigners?: PartitionAssigner[],
): Promise<Consumer> {
  const kafka = new Kafka({ clientId, brokers: stage.brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: stage.group,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    ...(partitionAssigners && { partitionAssigners }),
  });
  onTestFinished(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topics });
  const joined = new Promise<void>((resolve) => void consumer.on('consumer.group_join', () => resolve()));
  await consumer.run({ eachMessage: async () => undefined });
  await joined;
  return consumer;
}

async function twoTopics(stage: KafkaStage): Promise<readonly [string, string]> {
  const second = `${stage.prefix}second`;
  await stage.createTopic();
  await stage.createTopic({ topic: second });
  return [stage.topic, second];
}

const four = [0, 1, 2, 3];

describeWithKafka('the members of a group', () => {
  it('are given what they subscribe to, whoever leads; who has more to do is given less of what others can do', async () => {
    const stage = new KafkaStage();
    const [one, two] = await twoTopics(stage);
    const older = await subscribed(stage, [one]);
    const newer = await subscribed(stage, [one, two]);
    await vi.waitFor(() => expect(assignmentOf(newer)[two]).toEqual(four), patience);
    await vi.waitFor(() => expect(assignmentOf(older)).toEqual({ [one]: four }), patience);
    expect(assignmentOf(newer)).toEqual({ [two]: four });
    await older.close();
    await vi.waitFor(() => expect(assignmentOf(newer)).toEqual({ [one]: four, [two]: four }), patience);
  });

  it('agree with one of an earlier release, and give it no topic that it does not know', async () => {
    const stage = new KafkaStage();
    const [one, two] = await twoTopics(stage);
    const newer = await subscribed(stage, [one, two]);
    await plainMember(stage, 'test', [one]);
    await vi.waitFor(() => expect(assignmentOf(newer)).toEqual({ [two]: four }), patience);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(newer.health()).toMatchObject({ up: true, findings: [] });
  });

  it('led by one of an earlier release leave what it does not know, say so, and take it when it has left', async () => {
    const stage = new KafkaStage();
    const [one, two] = await twoTopics(stage);
    const earlier = await plainMember(stage, 'test', [one]);
    const taken: string[] = [];
    const newer = await subscribed(stage, [one, two], taken);
    await newer.publish([{ ...stage.message('waits'), topic: two }]);
    await vi.waitFor(
      () => expect(newer.health()).toMatchObject({ up: false, findings: [{ code: 'PARTITIONS_UNCONSUMED' }] }),
      patience,
    );
    expect(taken).toEqual([]);
    await earlier.disconnect();
    await vi.waitFor(() => expect(taken).toEqual(['waits']), patience);
    expect(newer.health()).toMatchObject({ up: true, findings: [] });
  });

  it('find another program among them, name it, and give it none of their partitions', async () => {
    const stage = new KafkaStage();
    const [one, two] = await twoTopics(stage);
    const replica = await subscribed(stage, [one, two]);
    const stranger = await plainMember(stage, 'somebody-else', [one]);
    await vi.waitFor(() => expect(replica.health().findings).toMatchObject([{ code: 'GROUP_SHARED' }]), patience);
    expect(replica.health().findings![0]!.detail).toContain('"somebody-else"');
    expect(assignmentOf(replica)).toEqual({ [one]: four, [two]: four });
    await stranger.disconnect();
    await vi.waitFor(() => expect(replica.health()).toMatchObject({ up: true, findings: [] }), patience);
    expect(stage.said.filter((line) => line.includes('somebody-else'))).toHaveLength(2);
  });

  it('led by another program say what it has taken, and what nobody consumes', async () => {
    const stage = new KafkaStage();
    const [one, two] = await twoTopics(stage);
    const stranger = await plainMember(stage, 'somebody-else', [one]);
    const replica = await subscribed(stage, [one, two]);
    await vi.waitFor(
      () =>
        expect(replica.health()).toMatchObject({
          up: false,
          groups: [{ status: 'down' }],
          findings: [{ code: 'GROUP_SHARED' }, { code: 'PARTITIONS_UNCONSUMED' }],
        }),
      patience,
    );
    await stranger.disconnect();
    await vi.waitFor(() => expect(replica.health()).toMatchObject({ up: true, findings: [] }), patience);
    expect(assignmentOf(replica)).toEqual({ [one]: four, [two]: four });
  });

  it('that are kept out by a program of another kind say so, and join when it has left', async () => {
    const stage = new KafkaStage();
    await stage.createTopic();
    const range: PartitionAssigner = (config) => ({
      ...PartitionAssigners.roundRobin(config),
      name: 'range',
    });
    const stranger = await plainMember(stage, 'a-java-program', [stage.topic], [range]);
    const replica = stage.open();
    const joined = stage.consume(replica);
    await vi.waitFor(
      () =>
        expect(replica.health()).toMatchObject({
          up: false,
          groups: [{ status: 'down', detail: expect.stringContaining('Another program, of another kind of client') }],
        }),
      patience,
    );
    await stranger.disconnect();
    await joined;
    expect(replica.health()).toMatchObject({ up: true });
    expect(stage.said.filter((line) => line.includes('does not consume'))).toHaveLength(1);
  });

  it('tell how far they are behind', async () => {
    const stage = new KafkaStage();
    await stage.createTopic();
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const transport = stage.open();
    await transport.publish(stage.messages(30));
    await stage.consume(transport, () => released);
    await vi.waitFor(() => expect(transport.health().groups?.[0]?.lag).toBe(30), patience);
    release();
    await vi.waitFor(() => expect(transport.health().groups?.[0]?.lag).toBe(0), patience);
  });
});
