import { randomUUID } from 'node:crypto';
import { Partitioners, type Admin, type Consumer, type KafkaMessage, type Producer } from 'kafkajs';
import { sleep } from '../../ports/own-context.js';
import type { Board, Posting } from '../../ports/board.js';
import type { TransportContext } from '../../ports/transport.js';
import { backoff } from './kafka-backoff.js';
import type { KafkaClients } from './kafka-clients.js';
import { reasonOf } from './kafka-errors.js';
import type { TopicCreation } from './kafka-options.js';

const firstPause = 1_000;
const longestPause = 60_000;

/** What keeps one record of each key, in one order for all, with the broker's time. */
const configEntries = [
  { name: 'cleanup.policy', value: 'compact' },
  { name: 'message.timestamp.type', value: 'LogAppendTime' },
];

/**
 * A compacted topic of one partition. Every reader has a group of its own, which commits nothing and is deleted when it stops: so it reads all there is. It stands apart from what
 * carries sagas: whatever is wrong with it, they go on.
 */
export class KafkaBoard implements Board {
  private producer: Promise<Producer> | undefined;
  private readonly readings = new Set<Reading>();

  constructor(
    private readonly clients: KafkaClients,
    private readonly creation: TopicCreation | false,
    private readonly service: string,
    private readonly logger: TransportContext['logger'],
  ) {}

  async post(name: string, postings: readonly Posting[]): Promise<void> {
    const messages = postings.map(({ key, value }) => ({ key, value: value ?? null }));
    try {
      const producer = await (this.producer ??= this.connected());
      await producer.send({ topic: name, acks: -1, messages });
    } catch (error) {
      await this.dropProducer();
      throw error;
    }
  }

  async read(name: string, take: (posting: Posting) => void): Promise<() => Promise<void>> {
    await this.withAdmin((admin) => this.ensure(admin, name));
    const reading = new Reading(this.clients, name, `${this.service}.${name}.${randomUUID()}`, take, this.logger);
    this.readings.add(reading);
    await reading.begin();
    return async () => {
      this.readings.delete(reading);
      await reading.end();
      await this.withAdmin((admin) => admin.deleteGroups([reading.group])).catch(() => undefined); // it ends by itself, later
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.readings].map((reading) => reading.end()));
    await this.dropProducer();
  }

  private async ensure(admin: Admin, topic: string): Promise<void> {
    if ((await admin.listTopics()).includes(topic)) return;
    if (!this.creation)
      throw new Error(`Kafka has no topic "${topic}"; create it with one partition and cleanup.policy=compact`);
    const { replicationFactor } = this.creation;
    await admin
      .createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }], waitForLeaders: true })
      .catch(async (error: unknown) => {
        if (!(await admin.listTopics()).includes(topic)) throw error; // else somebody made it at the same time
      });
  }

  private async withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.clients.admin();
    try {
      await admin.connect();
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  private async connected(): Promise<Producer> {
    const producer = this.clients.producer(Partitioners.DefaultPartitioner);
    await producer.connect();
    return producer;
  }

  private async dropProducer(): Promise<void> {
    const dropped = this.producer;
    this.producer = undefined;
    await dropped?.then((producer) => producer.disconnect()).catch(() => undefined);
  }
}

/** One reader. A session of kafkajs that ends is followed by another, from where it was. */
class Reading {
  private readonly stopping = new AbortController();
  private readonly next = new Map<number, bigint>();
  private life: Promise<void> | undefined;

  constructor(
    private readonly clients: KafkaClients,
    private readonly topic: string,
    readonly group: string,
    private readonly take: (posting: Posting) => void,
    private readonly logger: TransportContext['logger'],
  ) {}

  /** Resolves when it reads. */
  begin(): Promise<void> {
    return new Promise((reads, failed) => {
      this.life = this.live(reads).then(() => failed(new Error('the board is not read any more')), failed);
    });
  }

  async end(): Promise<void> {
    this.stopping.abort();
    await this.life?.catch(() => undefined);
  }

  private async live(reads: () => void): Promise<void> {
    let everRead = false;
    for (let failures = 0; !this.stopping.signal.aborted; failures += 1) {
      const consumer = this.clients.reader(this.group);
      const reason = await this.session(consumer, () => {
        everRead = true;
        failures = 0;
        reads();
      });
      await consumer.disconnect().catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      if (!everRead) throw reason;
      this.logger.warn(`Topic "${this.topic}" is not read for a while: ${reasonOf(reason)}`);
      await sleep(backoff(failures, firstPause, longestPause), { signal: this.stopping.signal, keepsAlive: false });
    }
  }

  private async session(consumer: Consumer, joined: () => void): Promise<unknown> {
    const ended = new Promise<unknown>((resolve) => {
      consumer.on('consumer.crash', ({ payload }) => resolve(payload.error));
      this.stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [this.topic], fromBeginning: true });
      consumer.on('consumer.group_join', joined);
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch: { partition, messages } }) => this.taken(partition, messages),
      });
      return await ended;
    } catch (error) {
      return error;
    }
  }

  private taken(partition: number, messages: readonly KafkaMessage[]): void {
    for (const { key, value, timestamp, offset } of messages) {
      if (BigInt(offset) < (this.next.get(partition) ?? 0n)) continue;
      this.next.set(partition, BigInt(offset) + 1n);
      this.take({ key: key?.toString() ?? '', ...(value && { value: value.toString() }), at: Number(timestamp) });
    }
  }
}
