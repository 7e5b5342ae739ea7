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
import { KafkaClients } from './kafka-clients.js';
import { KafkaConsumer } from './kafka-consumer.js';
import { KafkaLifetimes } from './kafka-lifetimes.js';
import { refuseUnfit } from './kafka-option-checks.js';
import { settingsOf, type KafkaOptions, type KafkaSettings } from './kafka-options.js';
import { KafkaPublisher } from './kafka-publisher.js';
import { KafkaSender } from './kafka-sender.js';
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
  private readonly publisher: KafkaPublisher;
  private readonly consumers: KafkaConsumer[] = [];
  readonly lifetimes: RecordLifetimes;
  private state: 'open' | 'drained' | 'closed' = 'open';
  private closing: Promise<void> | undefined;

  constructor(
    private readonly settings: KafkaSettings,
    private readonly context: TransportContext,
  ) {
    this.clients = new KafkaClients(settings, context.logger);
    this.topics = new KafkaTopics(this.clients, settings.createTopics);
    this.lifetimes = new KafkaLifetimes(this.clients, this.topics);
    const sender = new KafkaSender(this.clients, this.topics, context.logger, settings.publishTimeoutMs);
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
    const { clients, topics, settings, context } = this;
    const consumer = new KafkaConsumer(clients, topics, subscription, context.logger, settings.sessionTimeoutMs);
    this.consumers.push(consumer);
    await consumer.start();
  }

  async drain(): Promise<void> {
    if (this.state === 'open') this.state = 'drained';
    await Promise.all(this.consumers.map((consumer) => consumer.drain()));
  }

  async close(): Promise<void> {
    this.state = 'closed';
    this.closing ??= this.drain().then(() => this.publisher.close());
    await this.closing;
  }

  health(): TransportHealth {
    if (this.state === 'closed') return { up: false, detail: 'Kafka: closed' };
    const parts = [this.publisher.health(), ...this.consumers.map((consumer) => consumer.health())];
    return { up: parts.every((part) => part.up), detail: `Kafka: ${parts.map((part) => part.detail).join('; ')}` };
  }
}
