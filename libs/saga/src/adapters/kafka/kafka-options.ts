import type { KafkaConfig } from 'kafkajs';
import type { Compression } from './kafka-codecs.js';

type Connection = Pick<
  KafkaConfig,
  | 'brokers'
  | 'clientId'
  | 'ssl'
  | 'sasl'
  | 'connectionTimeout'
  | 'authenticationTimeout'
  | 'reauthenticationThreshold'
  | 'requestTimeout'
  | 'socketFactory'
>;

/** How topics are made that do not exist. */
export interface TopicCreation {
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** How to reach Kafka, in the words of kafkajs, and what the transport may do there. */
export interface KafkaOptions extends Connection {
  /** Makes topics that are missing when they are first used; `false` (default): a missing topic is an error that names it. */
  readonly createTopics?: TopicCreation | false;
  /** After this long without a sign of life (a busy handler is one) the group gives a consumer's partitions to others; 10 s. */
  readonly sessionTimeoutMs?: number;
  /** How long a publish tries before it rejects; 30 s. */
  readonly publishTimeoutMs?: number;
  /** The largest message that the brokers take (`message.max.bytes`), key and headers included; 1,000,000. */
  readonly maxMessageBytes?: number;
  /** How events are compressed; `none` (default) leaves it to the topic. `zstd` is written from Node 22.15 on. All are read, whatever is written. */
  readonly compression?: Compression;
  /** Topics that may be compacted: of which only the last record of each key matters, as of a table that change-data-capture publishes. Never a topic of saga events. */
  readonly compactedTopics?: readonly string[];
}

export interface KafkaSettings {
  readonly connection: Connection & { readonly clientId: string };
  readonly createTopics: TopicCreation | false;
  readonly sessionTimeoutMs: number;
  readonly publishTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly compression: Compression;
  readonly compactedTopics: readonly string[];
}

export function settingsOf(options: KafkaOptions, service: string): KafkaSettings {
  const {
    createTopics = false,
    sessionTimeoutMs = 10_000,
    publishTimeoutMs = 30_000,
    maxMessageBytes = 1_000_000,
    compression = 'none',
    compactedTopics = [],
    ...given
  } = options;
  const connection = { clientId: service, connectionTimeout: 3_000, requestTimeout: 10_000, ...given };
  return {
    connection,
    createTopics,
    sessionTimeoutMs,
    publishTimeoutMs,
    maxMessageBytes,
    compression,
    compactedTopics,
  };
}
