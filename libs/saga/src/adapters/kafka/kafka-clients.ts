import {
  Kafka,
  logLevel,
  type Admin,
  type Cluster,
  type Consumer,
  type ICustomPartitioner,
  type PartitionAssigner,
  type Producer,
} from 'kafkajs';
import type { TransportContext } from '../../ports/transport.js';
import { partitionAssigners } from './kafka-assigner.js';
import type { Held } from './kafka-assignment.js';
import { teachCodecs } from './kafka-codecs.js';
import { routedTo } from './kafka-logger.js';
import type { KafkaSettings } from './kafka-options.js';

/** Complete, because kafkajs has other defaults under NODE_ENV=test. Waits 2.5 s in all, then whoever asked makes a new client. */
const retry = { initialRetryTime: 100, multiplier: 2, factor: 0.2, maxRetryTime: 1_000, retries: 5 };

/** Long polls end after this: it bounds how long a shutdown and the return of a paused partition take. Records end them at once. */
const maxWaitTimeInMs = 250;

/** Partitions that a topic gets are used and consumed after this, at the latest; by itself kafkajs looks every five minutes, and sagas on them would stand still. */
const metadataMaxAge = 10_000;

/** What a consumer knows beside kafkajs. */
export interface ConsumerSide {
  /** The partitions that it had when it joins its group again. */
  readonly held: () => Held;
  /** Is handed kafkajs's own view of the brokers, once, before the consumer connects. */
  readonly watch: (cluster: Cluster) => void;
}

/** Makes kafkajs's clients. Each has connections and offsets of its own, so that one can be thrown away without the others. */
export class KafkaClients {
  private readonly logCreator;

  constructor(
    private readonly settings: KafkaSettings,
    logger: TransportContext['logger'],
  ) {
    this.logCreator = routedTo(logger);
    teachCodecs();
  }

  /** What the brokers know this service's clients by. */
  get clientId(): string {
    return this.settings.connection.clientId;
  }

  admin(): Admin {
    return this.client().admin();
  }

  producer(createPartitioner: ICustomPartitioner): Producer {
    return this.client().producer({
      idempotent: true,
      createPartitioner,
      metadataMaxAge,
      allowAutoTopicCreation: false,
      retry,
    });
  }

  /** Never restarts itself: it says CRASH, and is replaced. */
  consumer(groupId: string, { held, watch }: ConsumerSide): Consumer {
    const sessionTimeout = this.settings.sessionTimeoutMs;
    const [first, ...others] = partitionAssigners({ clientId: this.clientId, held });
    const watching: PartitionAssigner = (config) => {
      watch(config.cluster);
      return first!(config);
    };
    return this.client().consumer({
      groupId,
      partitionAssigners: [watching, ...others],
      sessionTimeout,
      heartbeatInterval: Math.min(1_000, sessionTimeout / 3),
      minBytes: 1,
      maxWaitTimeInMs,
      metadataMaxAge,
      allowAutoTopicCreation: false,
      retry: { ...retry, restartOnFailure: async () => false },
    });
  }

  /** A consumer that is alone in its group. Never restarts itself either. */
  reader(groupId: string): Consumer {
    const sessionTimeout = this.settings.sessionTimeoutMs;
    return this.client().consumer({
      groupId,
      sessionTimeout,
      heartbeatInterval: Math.min(1_000, sessionTimeout / 3),
      maxWaitTimeInMs,
      allowAutoTopicCreation: false,
      retry: { ...retry, restartOnFailure: async () => false },
    });
  }

  private client(): Kafka {
    return new Kafka({ ...this.settings.connection, retry, logLevel: logLevel.WARN, logCreator: this.logCreator });
  }
}
