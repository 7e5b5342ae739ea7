import { ConfigResourceTypes, Kafka, logLevel, type Admin, type ITopicConfig } from 'kafkajs';
import { onTestFinished } from 'vitest';
import { kafka } from '../../libs/saga/src/adapters/kafka/kafka-transport.js';
import type { KafkaOptions } from '../../libs/saga/src/adapters/kafka/kafka-options.js';
import type { IncomingRecord, Transport } from '../../libs/saga/src/ports/transport.js';
import type { WireMessage } from '../../libs/saga/src/protocol/wire.js';
import { freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';

/** A topic and a group of one test's own on a real broker, and the transports that it opens; all is closed when the test ends. */
export class KafkaStage {
  readonly prefix = freshTopicPrefix();
  readonly topic = `${this.prefix}events`;
  readonly group = `${this.prefix}group`;
  readonly said: string[] = [];

  constructor(readonly brokers: string[] = kafkaBrokers()) {}

  open(options: Partial<KafkaOptions> = {}): Transport {
    const say = (message: string): void => void this.said.push(message);
    const factory = kafka({ brokers: this.brokers, createTopics: { partitions: 4, replicationFactor: 1 }, ...options });
    const transport = factory({ service: 'test', logger: { error: say, warn: say, log: say } });
    onTestFinished(() => transport.close());
    return transport;
  }

  message(value: string, key = value): WireMessage {
    return { topic: this.topic, key, headers: { ce_id: value }, value };
  }

  messages(count: number, word = 'm', key?: string): WireMessage[] {
    return Array.from({ length: count }, (_, index) => this.message(`${word}${index}`, key));
  }

  /** Consumes the topic as the group; what `handle` lets pass is collected. */
  async consume(
    transport: Transport,
    handle: (records: readonly IncomingRecord[]) => Promise<void> | void = () => undefined,
  ): Promise<IncomingRecord[]> {
    const taken: IncomingRecord[] = [];
    await transport.subscribe({
      group: this.group,
      topics: [this.topic],
      handle: async (records) => {
        await handle(records);
        taken.push(...records);
      },
    });
    return taken;
  }

  createTopic(config: Partial<ITopicConfig> = {}): Promise<unknown> {
    return this.ask((admin) =>
      admin.createTopics({ topics: [{ topic: this.topic, numPartitions: 4, replicationFactor: 1, ...config }] }),
    );
  }

  /** Configures the topic anew. */
  alter(config: Readonly<Record<string, string>>): Promise<unknown> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: this.topic, configEntries }];
    return this.ask((admin) => admin.alterConfigs({ validateOnly: false, resources }));
  }

  /** By partition; -1 where the group has committed nothing. */
  async committed(): Promise<number[]> {
    const [topic] = await this.ask((admin) => admin.fetchOffsets({ groupId: this.group, topics: [this.topic] }));
    return (topic?.partitions ?? [])
      .toSorted((one, other) => one.partition - other.partition)
      .map(({ offset }) => Number(offset));
  }

  async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Kafka({ brokers: this.brokers, logLevel: logLevel.NOTHING }).admin();
    try {
      await admin.connect();
      return await question(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

export const valuesOf = (records: readonly IncomingRecord[]): string[] => records.map((record) => record.value);
