import { decode } from '../../../libs/saga/src/protocol/cloud-event.js';
import type { Envelope } from '../../../libs/saga/src/protocol/envelope.js';
import type { WireMessage } from '../../../libs/saga/src/protocol/wire.js';
import {
  PublishFailed,
  type IncomingRecord,
  type RecordLifetimes,
  type Subscription,
  type Transport,
  type TransportHealth,
  type Unpublished,
} from '../../../libs/saga/src/ports/transport.js';

/** Keeps what is published, and delivers what it is told to. */
export class FakeTransport implements Transport {
  /** The messages of every call of `publish` that did not fail altogether. */
  readonly sends: (readonly WireMessage[])[] = [];
  readonly subscriptions: Subscription[] = [];
  /** Set: publishing fails with this. */
  down: Error | undefined;
  /** Why a message is not published; nothing: it is. */
  refuse: (message: WireMessage) => Omit<Unpublished, 'message'> | undefined = () => undefined;

  get published(): readonly WireMessage[] {
    return this.sends.flat();
  }

  /** The saga events among them, by id. */
  get eventIds(): readonly string[] {
    return this.published.flatMap(({ headers }) => ('ce_sagaid' in headers ? headers['ce_id']! : []));
  }

  get events(): readonly Envelope[] {
    return this.published.filter(({ headers }) => 'ce_sagaid' in headers).map(decode);
  }

  async publish(messages: readonly WireMessage[]): Promise<void> {
    await Promise.resolve();
    if (this.down) throw this.down;
    const unpublished = messages.flatMap((message): Unpublished[] => {
      const refusal = this.refuse(message);
      return refusal ? [{ message, ...refusal }] : [];
    });
    this.sends.push(messages.filter((message) => !unpublished.some((one) => one.message === message)));
    if (unpublished.length > 0) throw new PublishFailed(unpublished);
  }

  async subscribe(subscription: Subscription): Promise<void> {
    this.subscriptions.push(subscription);
  }

  /** Hands a batch to a group; resolves when it counts as consumed. */
  async deliver(records: readonly IncomingRecord[], group = this.subscriptions[0]?.group): Promise<void> {
    const subscription = this.subscriptions.find((candidate) => candidate.group === group);
    if (!subscription) throw new Error(`No group ${group} has subscribed.`);
    await subscription.handle(records);
  }

  async drain(): Promise<void> {
    this.subscriptions.length = 0;
  }

  async close(): Promise<void> {
    await this.drain();
  }

  /** How long a record may come again, ms. */
  lifetime = 0;

  readonly lifetimes: RecordLifetimes = {
    of: async (topics) => {
      if (this.down) throw this.down;
      return new Map(topics.map((topic) => [topic, this.lifetime]));
    },
  };

  health(): TransportHealth {
    return { up: true, detail: '' };
  }
}
