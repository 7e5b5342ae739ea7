import type { CompressionTypes, Message, Producer } from 'kafkajs';
import { sleep } from '../../ports/own-context.js';
import type { Standing, TransportContext } from '../../ports/transport.js';
import { backoff } from './kafka-backoff.js';
import type { KafkaClients } from './kafka-clients.js';
import { reasonOf, refusalOf, refusesTimestamps } from './kafka-errors.js';
import { ChosenPartitions } from './kafka-partitions.js';
import type { Parcel } from './kafka-publication.js';
import type { Sender } from './kafka-publisher.js';
import type { KafkaTopics } from './kafka-topics.js';

const firstPause = 100;
const longestPause = 2_000;
/** Kafka's own word for a record without a time. */
const noTimestamp = '-1';

/**
 * Sends parcels through an idempotent producer. Three invariants: one send at a time, because kafkajs loses acknowledged messages when a connection
 * drops under two; a new producer after any error, because the old one's sequence numbers may stand for what the broker has already;
 * and every partition has to be in the answer, because kafkajs forgets those whose leader moves meanwhile.
 */
export class KafkaSender implements Sender {
  private producer: Producer | undefined;
  private readonly partitions = new ChosenPartitions();
  private standing: Standing = { status: 'unknown', since: new Date(), detail: 'nothing was published yet' };
  private isClockWrong = false;
  private readonly givenUp = new AbortController();

  constructor(
    private readonly clients: Pick<KafkaClients, 'producer'>,
    private readonly topics: Pick<KafkaTopics, 'ensure' | 'doubt'>,
    private readonly logger: TransportContext['logger'],
    private readonly timeoutMs: number,
    private readonly compression?: CompressionTypes,
  ) {}

  async send(parcels: readonly Parcel[]): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      const error = await this.attempt(parcels);
      if (error === undefined) return parcels.forEach(({ publication }) => publication.published());
      if (this.leavesOutTimestamps(error)) continue;
      const refusal = refusalOf(error);
      if (refusal === 'message') return this.isolate(halves(parcels), error, false);
      if (refusal === 'topic') return this.isolate([...byTopic(parcels).values()], error, true);
      if (this.isLate(parcels)) return fail(parcels, error, true);
      await this.rest(backoff(failures, firstPause, longestPause));
    }
  }

  health(): Standing {
    return this.standing;
  }

  giveUp(): void {
    this.givenUp.abort();
  }

  async close(): Promise<void> {
    await this.producer?.disconnect();
  }

  private async attempt(parcels: readonly Parcel[]): Promise<unknown> {
    const groups = byTopic(parcels);
    const topics = [...groups.keys()];
    try {
      await this.topics.ensure(topics);
      this.producer ??= await this.connected();
      await this.sendBatch(this.producer, groups);
      this.note(undefined);
      return undefined;
    } catch (error) {
      if (refusalOf(error) === undefined) this.note(reasonOf(error));
      this.topics.doubt(topics);
      this.dropProducer();
      return error;
    }
  }

  private async sendBatch(producer: Producer, groups: ReadonlyMap<string, readonly Parcel[]>): Promise<void> {
    this.partitions.forget();
    const topicMessages = [...groups].map(([topic, group]) => ({
      topic,
      messages: group.map((parcel) => this.kafkaMessage(parcel)),
    }));
    const answer = await producer.sendBatch({ acks: -1, compression: this.compression, topicMessages });
    const unanswered = this.partitions.unanswered(answer);
    if (unanswered.length > 0) throw new Error(`no broker has acknowledged ${unanswered.join(', ')}`);
  }

  /** A record needs no time of ours, and one from a wrong clock may be refused, or forgotten too early. */
  private leavesOutTimestamps(error: unknown): boolean {
    if (this.isClockWrong || !refusesTimestamps(error)) return false;
    this.isClockWrong = true;
    this.logger.warn(
      `Kafka refuses the time of this machine's records (${reasonOf(error)}): its clock is wrong. Records are published without a time from now on.`,
    );
    return true;
  }

  private kafkaMessage({ message: { key, headers, value } }: Parcel): Message {
    return { key, headers, value, ...(this.isClockWrong && { timestamp: noTimestamp }) };
  }

  private note(trouble: string | undefined): void {
    const { status: before, since } = this.standing;
    const status = trouble === undefined ? 'up' : 'down';
    if (status === 'down' && before !== 'down')
      this.logger.warn(`Publishing to Kafka fails, it is tried again: ${trouble}`);
    if (status === 'up' && before === 'down') this.logger.log('Publishing to Kafka works again.');
    if (status === 'up' && before === 'up') return;
    const detail = trouble === undefined ? 'publishing works' : `publishing fails: ${trouble}`;
    this.standing = { status, detail, since: status === before ? since : new Date() };
  }

  private async connected(): Promise<Producer> {
    const producer = this.clients.producer(this.partitions.partitioner);
    try {
      await producer.connect();
    } catch (error) {
      this.drop(producer); // it may have connections already, and only no id
      throw error;
    }
    return producer;
  }

  private dropProducer(): void {
    const dropped = this.producer;
    this.producer = undefined;
    if (dropped) this.drop(dropped);
  }

  private drop(producer: Producer): void {
    producer
      .disconnect()
      .catch((error: unknown) => this.logger.warn(`A producer of Kafka did not close in order: ${String(error)}`));
  }

  /** Something in the send was refused for good: finds out what, so that the rest is published. */
  private async isolate(parts: readonly (readonly Parcel[])[], error: unknown, retriable: boolean): Promise<void> {
    if (parts.length === 1) return fail(parts[0]!, error, retriable);
    for (const part of parts) await this.send(part);
  }

  private isLate(parcels: readonly Parcel[]): boolean {
    const oldest = Math.min(...parcels.map(({ publication }) => publication.since));
    return this.givenUp.signal.aborted || Date.now() - oldest > this.timeoutMs;
  }

  private async rest(ms: number): Promise<void> {
    await sleep(ms, { signal: this.givenUp.signal });
  }
}

function byTopic(parcels: readonly Parcel[]): Map<string, Parcel[]> {
  const groups = new Map<string, Parcel[]>();
  for (const parcel of parcels) {
    const group = groups.get(parcel.message.topic);
    if (group) group.push(parcel);
    else groups.set(parcel.message.topic, [parcel]);
  }
  return groups;
}

/** Two, or the one that there is. */
function halves(parcels: readonly Parcel[]): readonly (readonly Parcel[])[] {
  if (parcels.length === 1) return [parcels];
  const middle = Math.ceil(parcels.length / 2);
  return [parcels.slice(0, middle), parcels.slice(middle)];
}

function fail(parcels: readonly Parcel[], error: unknown, retriable: boolean): void {
  const reason = reasonOf(error);
  for (const { message, publication } of parcels) publication.failed({ message, reason, retriable });
}
