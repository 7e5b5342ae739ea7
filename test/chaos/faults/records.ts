import { randomUUID } from 'node:crypto';
import type { Message } from 'kafkajs';
import { shuffled } from '../../support/random.js';
import { asAdmin, type LogRecord } from '../world/kafka-log.js';
import { againHeader, isGenuine, poisonHeader, type PoisonKind } from '../world/poison.js';
import { services } from '../world/replica.js';
import type { World } from '../world/world.js';
import { again, type Fault } from './fault.js';

const mostRepublished = 1_000;

async function produce(world: World, messages: Message[]): Promise<void> {
  const producer = world.client.producer();
  await producer.connect();
  try {
    for (let start = 0; start < messages.length; start += 200) {
      await producer.send({ topic: world.topic, messages: messages.slice(start, start + 200) });
    }
  } finally {
    await producer.disconnect();
  }
}

/** In any partition, so in any order and among any others. */
function againAnywhere({ key, headers, value }: LogRecord, partition: number): Message {
  return { key, partition, headers: { ...headers, [againHeader]: 'yes' }, value };
}

const duplicates: Fault = {
  name: 'duplicates',
  does: 'all records of the topic, or the newest thousand, are published again, twice each, shuffled over all partitions',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 1_500,
      async () => {
        const records = (await world.log.read()).filter(isGenuine);
        const newest = records.slice(-mostRepublished);
        const partitions = 1 + Math.max(...records.map(({ partition }) => partition));
        const twice = shuffled([...newest, ...newest], random);
        await produce(
          world,
          twice.map((record) => againAnywhere(record, random.below(partitions))),
        );
        return 2 * newest.length;
      },
    ),
};

const replay: Fault = {
  name: 'replay',
  does: 'the groups of a service begin again at the first offset',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 2_000,
      async () => {
        const service = random.pick(services);
        const replicas = world.fleet.of(service);
        await Promise.all(replicas.map((replica) => replica.rest('SIGTERM')));
        const times = await asAdmin(world.client, async (admin) => {
          const { groups } = await admin.listGroups();
          const own = groups.filter(({ groupId }) => groupId.startsWith(`${world.prefix}${service}`));
          for (const { groupId } of own) {
            await admin.resetOffsets({ groupId, topic: world.topic, earliest: true });
          }
          return own.length;
        });
        await Promise.all(replicas.map((replica) => replica.wake()));
        return times;
      },
    ),
};

const kinds: readonly PoisonKind[] = ['unreadable', 'unknown type', 'oversize', 'wrong data', 'unknown version'];

const poison: Fault = {
  name: 'poison',
  does: 'records that nobody can take, between those of healthy sagas',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 300 + random.below(700),
      async (turn) => {
        const kind = kinds[turn % kinds.length]!;
        const name = randomUUID();
        world.poison.set(name, kind);
        await produce(world, [poisonOf(kind, name)]);
      },
    ),
};

function poisonOf(kind: PoisonKind, name: string): Message {
  const headers = { [poisonHeader]: name };
  const event = { ...headers, ...headersOf(randomUUID(), 'createTask') };
  switch (kind) {
    case 'unreadable':
      return { key: name, headers, value: Buffer.from([0xff, 0xfe, 0x00, 0x7b]) };
    case 'unknown type':
      return { key: name, headers: { ...headers, ...headersOf(randomUUID(), 'noSuchStep') }, value: '{}' };
    case 'oversize':
      return { key: name, headers, value: 'x'.repeat(900_000) };
    case 'unknown version':
      return { key: name, headers: { ...event, ce_sagaversion: '99' }, value: '{"of":"another age"}' };
    case 'wrong data':
      return { key: name, headers: event, value: '{"taskId":7}' };
  }
}

function headersOf(sagaId: string, step: string): Record<string, string> {
  return {
    ce_specversion: '1.0',
    ce_id: `${sagaId}:${step}:done`,
    ce_type: 'task.created',
    ce_source: '/task',
    ce_time: new Date().toISOString(),
    ce_sagaid: sagaId,
    ce_sagatype: 'task-assignment',
    ce_sagaversion: '1',
    ce_sagastep: step,
    ce_sagaoutcome: 'done',
    ce_correlationid: sagaId,
    'content-type': 'application/json',
  };
}

export const recordFaults: readonly Fault[] = [duplicates, replay, poison];
