import type { Consumer } from 'kafkajs';
import { asAdmin } from '../world/kafka-log.js';
import { services } from '../world/replica.js';
import type { World } from '../world/world.js';
import { again, type Fault } from './fault.js';

const restarted: Fault = {
  name: 'broker-restarted',
  does: 'the broker is killed, or stopped in order, and is back some seconds later',
  needs: 'kafka',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 4_000,
      async () => {
        const kafka = world.servers.kafka!;
        if (random.happens(0.5)) await kafka.kill();
        await new Promise((resolve) => setTimeout(resolve, random.below(2_000)));
        await kafka.restart();
      },
    ),
};

const leadersMoved: Fault = {
  name: 'leaders-moved',
  does: 'one of several brokers is killed, so that its partitions get other leaders, and comes back',
  needs: 'brokers',
  inject: (world, random, pressure) =>
    again(
      pressure,
      () => 3_000,
      async () => {
        const kafka = world.servers.kafka!;
        const node = 1 + random.below(kafka.brokers.length);
        await kafka.kill(node);
        await new Promise((resolve) => setTimeout(resolve, 1_000 + random.below(3_000)));
        await kafka.restart(node);
      },
    ),
};

const mostPartitions = 24;

const partitionsAdded: Fault = {
  name: 'partitions-added',
  does: 'the topic gets more partitions, so sagas change theirs and consumers are assigned anew in mid-batch',
  inject: (world, _random, pressure) =>
    again(
      pressure,
      () => 4_000,
      () =>
        asAdmin(world.client, async (admin) => {
          const count = (await admin.fetchTopicOffsets(world.topic)).length;
          if (count >= mostPartitions) return 0;
          await admin.createPartitions({ topicPartitions: [{ topic: world.topic, count: count + 1 }] });
          return 1;
        }),
    ),
};

/** A member of a group that is given partitions and does nothing with them. */
async function intruder(world: World, group: string): Promise<Consumer> {
  const consumer = world.client.consumer({ groupId: group, sessionTimeout: 10_000 });
  await consumer.connect();
  await consumer.subscribe({ topics: [world.topic], fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
  return consumer;
}

const rebalances: Fault = {
  name: 'rebalance-storm',
  does: 'in the group of every service, a consumer joins and leaves every 2 s and takes partitions with it',
  inject: (world, _random, pressure) =>
    again(
      pressure,
      () => 500,
      async () => {
        const begun = await Promise.allSettled(services.map((service) => intruder(world, `${world.prefix}${service}`)));
        await pressure.rest(2_000);
        const joined = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
        await Promise.all(joined.map((consumer) => consumer.disconnect()));
        return joined.length;
      },
    ),
};

export const brokerFaults: readonly Fault[] = [restarted, leadersMoved, partitionsAdded, rebalances];
