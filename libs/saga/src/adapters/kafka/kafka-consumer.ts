import { inOwnContext, sleep } from '../../ports/own-context.js';
import {
  TransportClosed,
  type Subscription,
  type TransportContext,
  type TransportHealth,
} from '../../ports/transport.js';
import { backoff } from './kafka-backoff.js';
import type { KafkaClients } from './kafka-clients.js';
import { reasonOf } from './kafka-errors.js';
import { KafkaSession } from './kafka-session.js';
import { TopicsMissing, type KafkaTopics } from './kafka-topics.js';

const firstPause = 250;
const longestPause = 5_000;

type State =
  | { readonly status: 'joining' | 'drained' }
  | { readonly status: 'consuming'; readonly session: KafkaSession }
  | { readonly status: 'broken'; readonly reason: string };

/** Keeps a group's subscription alive: whatever ends a session of kafkajs, another one is begun, until it is drained. */
export class KafkaConsumer {
  private state: State = { status: 'joining' };
  private readonly draining = new AbortController();
  private readonly aborting = new Promise<void>((resolve) => {
    this.draining.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  private readonly leaving = new Set<Promise<void>>();
  private life: Promise<void> | undefined;

  constructor(
    private readonly clients: KafkaClients,
    private readonly topics: KafkaTopics,
    private readonly subscription: Subscription,
    private readonly logger: TransportContext['logger'],
    private readonly sessionTimeoutMs: number,
  ) {}

  /**
   * Resolves when the group is joined for the first time, however long Kafka is away.
   *
   * @throws TopicsMissing when topics do not exist and may not be made
   */
  start(): Promise<void> {
    return new Promise((joined, failed) => {
      this.life = inOwnContext(() => this.live(joined)).then(failed, failed);
    });
  }

  /** Waits for the batches in hand, commits and leaves the group. */
  async drain(): Promise<void> {
    this.draining.abort();
    await this.life;
    await Promise.all(this.leaving);
    this.state = { status: 'drained' };
  }

  health(): TransportHealth {
    const name = `group "${this.subscription.group}"`;
    if (this.state.status === 'broken') return { up: false, detail: `${name} does not consume: ${this.state.reason}` };
    if (this.state.status !== 'consuming')
      return { up: this.state.status === 'drained', detail: `${name} is ${this.state.status}` };
    const silence = Date.now() - this.state.session.heard;
    if (silence <= this.sessionTimeoutMs) return { up: true, detail: `${name} is consuming` };
    return { up: false, detail: `${name} has not heard of Kafka for ${Math.round(silence / 1000)} s` };
  }

  /** Resolves with why it ends. */
  private async live(joined: () => void): Promise<Error> {
    let everJoined = false;
    for (let failures = 0; !this.aborted; failures += 1) {
      const session = new KafkaSession(this.clients.consumer(this.subscription.group), this.subscription, this.logger);
      const reason = await this.consume(session, () => {
        if (everJoined) this.logger.log(`Group "${this.subscription.group}" consumes again.`);
        failures = 0;
        everJoined = true;
        joined();
      });
      if (!this.aborted) this.state = { status: 'broken', reason: reasonOf(reason) };
      await this.leave(session);
      if (reason instanceof TopicsMissing && !everJoined) return reason;
      if (!this.aborted) await this.rest(reasonOf(reason), backoff(failures, firstPause, longestPause));
    }
    return new TransportClosed(`Group "${this.subscription.group}" was drained before it joined.`);
  }

  /** Resolves with what ended the session. */
  private async consume(session: KafkaSession, joined: () => void): Promise<unknown> {
    try {
      await this.topics.ensure(this.subscription.topics);
      await session.join();
      this.state = { status: 'consuming', session };
      joined();
      return await Promise.race([session.ended, this.aborting]);
    } catch (error) {
      return error;
    } finally {
      this.topics.doubt(this.subscription.topics);
    }
  }

  /** A drain waits for the batches in hand as long as they take; a new session does not, lest a handler that hangs end all consuming. */
  private async leave(session: KafkaSession): Promise<void> {
    const left = session.leave().catch((error: unknown) => {
      this.logger.warn(`Group "${this.subscription.group}" did not leave in order: ${String(error)}`);
    });
    this.leaving.add(left);
    void left.finally(() => this.leaving.delete(left));
    await Promise.race([left, ...(this.aborted ? [] : [sleep(this.sessionTimeoutMs, { keepsAlive: false })])]);
  }

  private async rest(reason: string, ms: number): Promise<void> {
    this.logger.error(`Group "${this.subscription.group}" does not consume, it begins again in ${ms} ms: ${reason}`);
    await sleep(ms, { signal: this.draining.signal });
  }

  private get aborted(): boolean {
    return this.draining.signal.aborted;
  }
}
