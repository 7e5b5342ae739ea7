import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import kafkajs from 'kafkajs';
import { startKafka, startOwnKafka } from '../../scripts/services/kafka.js';
import type { Kafka, KafkaOptions } from '../../scripts/services/kafka.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { isRunning } from './processes.js';

function clientOf(brokers: string[]): kafkajs.Kafka {
  return new kafkajs.Kafka({
    brokers,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 5, initialRetryTime: 100 },
  });
}

async function createTopic(brokers: string[], topic: string, replicationFactor = 1): Promise<void> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor }], waitForLeaders: true });
  await admin.disconnect();
}

async function produce(brokers: string[], topic: string, values: string[]): Promise<void> {
  const producer = clientOf(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: values.map((value) => ({ key: value, value })) });
  await producer.disconnect();
}

/** The different values of the topic's first records, sorted, read by a group of its own: a record may come again. */
async function consume(brokers: string[], topic: string, count: number): Promise<string[]> {
  const consumer = clientOf(brokers).consumer({ groupId: `${topic}.readers` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values = new Set<string>();
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: kafkajs.EachMessagePayload): Promise<void> => {
      if (values.add(String(message.value)).size === count) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return [...values].toSorted();
}

const started: Kafka[] = [];

async function start(options: KafkaOptions = {}): Promise<Kafka> {
  const kafka = await startOwnKafka(options);
  started.push(kafka);
  return kafka;
}

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(started.splice(0).map((kafka) => kafka.stop()));
});

describeWithKafka('the Kafka that specs share', () => {
  it('takes records and gives them to a group', async () => {
    const topic = `${freshTopicPrefix()}greetings`;
    await createTopic(kafkaBrokers(), topic);

    await produce(kafkaBrokers(), topic, ['one', 'two']);

    expect(await consume(kafkaBrokers(), topic, 2)).toEqual(['one', 'two']);
  });

  it('makes no topic by itself', async () => {
    await expect(produce(kafkaBrokers(), `${freshTopicPrefix()}unknown`, ['one'])).rejects.toThrow(/does not host/);
  });
});

describeWithKafka('startOwnKafka', () => {
  it('keeps the records over a kill and a restart at the same address', async () => {
    const kafka = await start();
    const { brokers, pids } = kafka;
    await createTopic(brokers, 'kept');
    await produce(brokers, 'kept', ['before']);

    await kafka.kill();
    expect(pids.map(isRunning)).toEqual([false]);
    await kafka.restart();
    await produce(brokers, 'kept', ['after']);

    expect(kafka.brokers).toEqual(brokers);
    expect(await consume(brokers, 'kept', 2)).toEqual(['after', 'before']);
  }, 120_000);

  it('ends its process in a stop, and stops twice without complaint', async () => {
    const kafka = await start();
    const { pids } = kafka;
    expect(pids.map(isRunning)).toEqual([true]);

    await kafka.stop();
    await kafka.stop();

    expect(pids.map(isRunning)).toEqual([false]);
    expect(kafka.pids).toEqual([]);
  }, 120_000);

  it('tells what the broker wrote when it does not start', async () => {
    await expect(start({ settings: { 'num.io.threads': 'many' } })).rejects.toThrow(
      /Invalid value many .*num.io.threads/,
    );
  }, 120_000);

  it('refuses a port that is taken before it starts anything', async () => {
    const other = createServer();
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    const { port } = other.address() as AddressInfo;

    await expect(start({ port })).rejects.toThrow(`Port ${port} of 127.0.0.1 cannot be used`);

    await new Promise((closed) => other.close(closed));
  });
});

describe('startKafka', () => {
  let programs: string;

  /** From here on only this program is found. */
  function onlyProgram(name: string, script: string): void {
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', [programs, '/usr/bin-of-nobody'].join(delimiter));
    vi.stubEnv('JAVA_HOME', '');
    vi.stubEnv('KAFKA_BROKERS', '');
  }

  beforeEach(() => {
    programs = mkdtempSync(join(tmpdir(), 'programs-'));
  });

  afterEach(() => rmSync(programs, { recursive: true }));

  it('says what it tried and what helps when there is neither Docker engine nor Java', async () => {
    onlyProgram('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');

    const failure = startKafka();

    await expect(failure).rejects.toMatchObject({ name: 'NoBroker', code: 'NO_BROKER' });
    await expect(failure).rejects.toThrow(
      /Cannot connect to the Docker daemon[^]*Java does not run[^]*KAFKA_BROKERS=host:port/,
    );
  });

  it('says that Java is too old', async () => {
    onlyProgram('java', 'echo \'openjdk version "11.0.2"\' >&2');

    await expect(startKafka()).rejects.toThrow(/Java is older than 17.*11.0.2/);
  });

  it('says so when the brokers of KAFKA_BROKERS do not answer', async () => {
    vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1');

    await expect(startKafka()).rejects.toThrow(/KAFKA_BROKERS is 127.0.0.1:1, which does not answer/);
  });

  it('takes Docker where an engine answers, bound to loopback', async () => {
    onlyProgram('docker', `case $1 in info) echo 29.0.1 ;; run) echo "$@" > ${programs}/asked; exit 125 ;; esac`);

    await expect(startKafka()).rejects.toThrow(/Kafka node 1 in Docker ended with code 125/);

    expect(existsSync(join(programs, 'asked'))).toBe(true);
    const asked = readFileSync(join(programs, 'asked'), 'utf8');
    expect(asked).toMatch(/--publish 127\.0\.0\.1:(\d+):\1 /);
    expect(asked).toMatch(/KAFKA_ADVERTISED_LISTENERS=PLAINTEXT:\/\/127\.0\.0\.1:\d+ .*apache\/kafka:4\.\d/);
  });

  describeWithKafka('with KAFKA_BROKERS', () => {
    it('uses the given broker and neither kills nor restarts it', async () => {
      vi.stubEnv('KAFKA_BROKERS', kafkaBrokers().join(','));

      const kafka = await startKafka();

      expect(kafka).toMatchObject({ source: 'given', brokers: kafkaBrokers(), pids: [] });
      await expect(kafka.kill()).rejects.toThrow(/not ours to kill/);
      await kafka.stop();
      await expect(startKafka()).resolves.toMatchObject({ source: 'given' });
    });
  });
});
