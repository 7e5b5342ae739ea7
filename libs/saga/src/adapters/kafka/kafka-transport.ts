import { TransportClosed } from '../../ports/transport.js';
import type {
  RecordLifetimes,
  Subscription,
  Transport,
  TransportContext,
  TransportFactory,
  TransportHealth,
} from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';
import { KafkaBoard } from './kafka-board.js';
import { KafkaClients } from './kafka-clients.js';
import { compressionType } from './kafka-codecs.js';
import { haveCommitted } from './kafka-group-offsets.js';
import { KafkaConsumer } from './kafka-consumer.js';
import { KafkaFindings } from './kafka-findings.js';
import { KafkaLifetimes } from './kafka-lifetimes.js';
import { refuseUnfit } from './kafka-option-checks.js';
import { settingsOf, type KafkaOptions, type KafkaSettings } from './kafka-options.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { KafkaSender } from './kafka-sender.js';
import { KafkaTopicLook } from './kafka-topic-look.js';
import { KafkaTopics } from './kafka-topics.js';

/**
 * Apache Kafka through kafkajs.
 *
 * @throws TypeError for options with which no broker could be reached
 */
export function kafka(options: KafkaOptions): TransportFactory {
  refuseUnfit(options);
  return (context) => new KafkaTransport(settingsOf(options, context.service), context);
}

class KafkaTransport implements Transport {
  private readonly clients: KafkaClients;
  private readonly topics: KafkaTopics;
  private readonly findings: KafkaFindings;
  private readonly look: KafkaTopicLook;
  private readonly publisher: KafkaPublisher;
  private readonly consumers: KafkaConsumer[] = [];
  private readonly down = new Map<string, string>();
  readonly board: KafkaBoard;
  readonly lifetimes: RecordLifetimes;
  private state: 'open' | 'drained' | 'closed' = 'open';
  private closing: Promise<void> | undefined;

  constructor(
    private readonly settings: KafkaSettings,
    private readonly context: TransportContext,
  ) {
    this.clients = new KafkaClients(settings, context.logger);
    this.topics = new KafkaTopics(this.clients, settings.createTopics);
    this.findings = new KafkaFindings(context.logger);
    this.look = new KafkaTopicLook(this.clients, this.topics, settings, this.findings, context.logger);
    this.board = new KafkaBoard(this.clients, settings.createTopics, context.service, context.logger);
    this.lifetimes = new KafkaLifetimes(this.clients, this.topics);
    const compression = compressionType(settings.compression);
    const sender = new KafkaSender(this.clients, this.topics, context.logger, settings.publishTimeoutMs, compression);
    this.publisher = new KafkaPublisher(sender, settings.maxMessageBytes);
  }

  async publish(messages: readonly WireMessage[]): Promise<void> {
    if (this.state === 'closed')
      throw new TransportClosed(`Service "${this.context.service}" publishes on a closed transport.`);
    await this.publisher.publish(messages);
  }

  async subscribe(subscription: Subscription): Promise<void> {
    if (this.state !== 'open') {
      throw new TransportClosed(
        `Service "${this.context.service}" subscribes group "${subscription.group}" to a ${this.state} transport.`,
      );
    }
    const { clients, topics, look, findings } = this;
    const { logger } = this.context;
    const { sessionTimeoutMs } = this.settings;
    const ground = { clients, topics, look, findings, logger, down: this.down, sessionTimeoutMs };
    const consumer = new KafkaConsumer(ground, subscription);
    this.consumers.push(consumer);
    await consumer.start();
  }

  async drain(): Promise<void> {
    if (this.state === 'open') this.state = 'drained';
    await Promise.all(this.consumers.map((consumer) => consumer.drain()));
  }

  async close(): Promise<void> {
    this.state = 'closed';
    this.closing ??= Promise.all([this.drain(), this.look.close()])
      .then(() => this.board.close())
      .then(() => this.publisher.close());
    await this.closing;
  }

  hasConsumed(groups: readonly string[]): Promise<boolean> {
    return haveCommitted(this.clients, groups);
  }

  health(): TransportHealth {
    const publishing = this.publisher.health();
    const groups = this.consumers.map((consumer) => consumer.health());
    const findings = this.findings.list();
    if (this.state === 'closed') return { up: false, detail: 'Kafka: closed', publishing, groups, findings };
    const errors = findings.filter(({ severity }) => severity === 'error').map(({ detail }) => detail);
    const parts = [publishing, ...groups].map(({ detail }) => detail);
    return {
      up: publishing.status !== 'down' && groups.every(({ status }) => status === 'up') && errors.length === 0,
      detail: `Kafka: ${[...new Set([...parts, ...errors])].join('; ')}`,
      publishing,
      groups,
      findings,
    };
  }
}
