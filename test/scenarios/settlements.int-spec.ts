import { inMemory, kafka } from 'nest-saga';
import { describe, expect, test } from 'vitest';
import { outliving, twiceAndShuffled } from '../e2e/faults.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import type { Carrier } from './services.js';
import { Settlements } from './settlements.scene.js';

const patience = { timeout: 180_000 };

/** Plays cases until all are over, and then all events once more. */
async function played(seed: number, carrier: Carrier): Promise<Settlements> {
  const world = await Settlements.open(seed, carrier);
  await world.begin(6);
  await world.suffer(25);
  await world.end();
  await world.services.publishAllAgain();
  await world.end();
  return world;
}

describe('sagas two deep over three services, whose steps fail, whose services are killed, whom people sign, abort and redrive', () => {
  test.each([1, 2])('all end whole or undone, each event twice, late and reversed: seed %d', patience, async (seed) => {
    const world = await played(seed, { transport: twiceAndShuffled(outliving(inMemory())) });
    expect(await world.faults()).toEqual([]);
  });
});

describeWithKafka('over a real broker', () => {
  test('all end whole or undone', patience, async () => {
    const createTopics = { partitions: 3, replicationFactor: 1 };
    const world = await played(3, {
      transport: kafka({ brokers: kafkaBrokers(), createTopics }),
      prefix: freshTopicPrefix(),
    });
    expect(await world.faults()).toEqual([]);
  });
});
