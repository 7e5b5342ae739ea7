import { reasonOf } from '../protocol/reason.js';
import { inOwnContext } from '../ports/own-context.js';
import type { OutboxMessage } from '../ports/step-store.js';
import { PublishFailed, type Unpublished } from '../ports/transport.js';
import type { Participant } from './participant.js';
import { buryEvents, recordOf, type Unpublishable } from './unpublishable.js';
import { within } from './within.js';

const sendSize = 500;
const memoryLimit = 20_000;
const flushAfter = 100;
/** Published ids that are worth a statement in somebody's transaction; fewer wait for company, or for the flush. */
const worthTaking = 20;
const pauseAfterFailure = 500;
const patienceAtTheEnd = 3_000;
const deleting = 'deleting published events from the outbox';
const sweeping = 'sweeping the outbox';

type Ground = Pick<
  Participant,
  'service' | 'store' | 'transport' | 'topics' | 'clock' | 'logger' | 'outage' | 'settings' | 'tally'
>;

/** What became of a send: the ids that went out (or to the dead letters, when they never can), and the messages that may go out another time. */
interface Sent {
  readonly published: readonly string[];
  readonly again: readonly OutboxMessage[];
}

/**
 * Publishes what was committed. Messages come in memory straight from their commit and go out with one send in flight;
 * ids that were published leave the outbox with a later batch's transaction, or by a flush when none comes. What was committed but
 * never published (a crash, a full memory) is found by the sweep. Publishing twice is harmless: message ids are derived.
 */
export class Relay {
  private waiting: OutboxMessage[] = [];
  private published: string[] = [];
  private publishing: Promise<void> | undefined;
  private sweeping: Promise<void> | undefined;
  private flushing: Promise<void> | undefined;
  private forgetFlush: (() => void) | undefined;
  private forgetSweep: (() => void) | undefined;
  private stopped = false;

  constructor(private readonly ground: Ground) {}

  /** Takes messages whose transaction is committed. Publishing them is nobody's request and nobody's step, whoever hands them over. */
  hand(messages: readonly OutboxMessage[]): void {
    if (messages.length === 0 || this.stopped || this.waiting.length > memoryLimit) return; // the sweep finds them
    this.waiting.push(...messages);
    this.publishing ??= inOwnContext(() => this.publishAll());
  }

  /** Ids that are published, when they are many: whoever takes them deletes them in a transaction, or gives them back. */
  takePublished(): readonly string[] {
    return this.published.length < worthTaking ? [] : this.takeAllPublished();
  }

  private takeAllPublished(): readonly string[] {
    const ids = this.published;
    this.published = [];
    return ids;
  }

  giveBack(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.published.push(...ids);
    this.flushIn(flushAfter);
  }

  /** Starts the safety net. The first sweep takes everything: whatever an earlier life of this service left behind. */
  start(): void {
    this.sweepIn(0, 0);
  }

  /** Publishes and flushes what is in hand, then rests. What cannot be published stays in the outbox. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.forgetSweep?.();
    await this.finished();
    this.forgetFlush?.();
    await this.flushing;
    await this.flush();
  }

  /** A broker that is away does not hold up the end: what it did not take stays in the outbox. */
  private async finished(): Promise<void> {
    await within(this.ground.clock, patienceAtTheEnd, Promise.all([this.sweeping, this.publishing]));
  }

  private async publishAll(): Promise<void> {
    await Promise.resolve(); // commits of the same turn go out in one send
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, sendSize);
      const again = await this.attempt(batch);
      this.waiting.splice(0, batch.length, ...again);
      if (again.length > 0 && this.stopped) this.waiting = [];
      else if (again.length > 0)
        await new Promise<void>((resolve) => this.ground.clock.after(pauseAfterFailure, resolve));
    }
    this.publishing = undefined;
    this.flushIn(flushAfter);
  }

  /** @returns the messages that are to be tried again */
  private async attempt(messages: readonly OutboxMessage[]): Promise<readonly OutboxMessage[]> {
    try {
      const { published, again } = await this.publish(messages);
      this.published.push(...published);
      return again;
    } catch (error) {
      this.ground.logger.warn(
        `Publishing ${messages.length} saga events failed; they stay in the outbox and are tried again: ${reasonOf(error)}`,
      );
      return messages;
    }
  }

  private async publish(messages: readonly OutboxMessage[]): Promise<Sent> {
    const { transport, topics } = this.ground;
    const entries = messages.map((message) => ({ message, record: recordOf(message.event, topics) }));
    const records = entries.flatMap(({ record }) => ('reason' in record ? [] : [record]));
    const failed = await transport.publish(records).then(
      () => new Map<unknown, Unpublished>(),
      (error: unknown) => this.unpublishedOf(error),
    );
    const unfit = entries.flatMap(({ message, record }): Unpublishable[] => {
      if ('reason' in record) return [{ message, reason: record.reason }];
      const refused = failed.get(record);
      return refused && !refused.retriable ? [{ message, record, reason: refused.reason }] : [];
    });
    const buried = await buryEvents(this.ground, unfit);
    const out = entries.filter(({ record }) => !('reason' in record) && !failed.has(record));
    return {
      published: [...out.map(({ message }) => message.id), ...buried],
      again: entries.filter(({ record }) => failed.get(record)?.retriable).map(({ message }) => message),
    };
  }

  private unpublishedOf(error: unknown): ReadonlyMap<unknown, Unpublished> {
    if (!(error instanceof PublishFailed)) throw error;
    this.ground.logger[error.facts.retriable ? 'warn' : 'error'](`Saga events were not published. ${error.message}`);
    return new Map(error.unpublished.map((one) => [one.message, one]));
  }

  private flushIn(ms: number): void {
    if (this.published.length === 0 || this.forgetFlush || this.stopped) return;
    this.forgetFlush = this.ground.clock.after(ms, () => {
      this.forgetFlush = undefined;
      this.flushing = this.flush();
    });
  }

  private async flush(): Promise<void> {
    const ids = this.takeAllPublished();
    if (ids.length === 0) return;
    try {
      await this.ground.store.outbox.delete(ids);
      this.ground.outage.worked(deleting);
    } catch (error) {
      this.ground.outage.failed(deleting, error);
      this.published.push(...ids);
      this.flushIn(pauseAfterFailure);
    }
  }

  private sweepIn(ms: number, olderThanMs: number): void {
    if (this.stopped) return;
    this.forgetSweep = this.ground.clock.after(ms, () => {
      this.sweeping = this.sweep(olderThanMs).finally(() => {
        this.sweepIn(this.ground.settings.sweepEvery, this.ground.settings.sweepEvery);
      });
    });
  }

  private async sweep(olderThanMs: number): Promise<void> {
    try {
      const { outbox } = this.ground.store;
      for (let count = 1; count > 0 && !this.stopped;)
        count = await outbox.sweep(sendSize, olderThanMs, (messages) => this.publishSwept(messages));
      this.ground.outage.worked(sweeping);
    } catch (error) {
      this.ground.outage.failed(sweeping, error);
    }
  }

  /** What waits here in memory is on its way already, and what was published needs no second time. */
  private async publishSwept(messages: readonly OutboxMessage[]): Promise<readonly string[]> {
    const inHand = new Set(this.waiting.map(({ id }) => id));
    const out = new Set(this.published);
    const { published } = await this.publish(messages.filter(({ id }) => !inHand.has(id) && !out.has(id)));
    return [...published, ...messages.map(({ id }) => id).filter((id) => out.has(id))];
  }
}
