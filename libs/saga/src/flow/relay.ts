import { encode } from '../protocol/cloud-event.js';
import type { OutboxMessage } from '../ports/step-store.js';
import type { Participant } from './participant.js';

const sendSize = 500;
const memoryLimit = 20_000;
const flushAfter = 100;
const pauseAfterFailure = 500;

type Ground = Pick<Participant, 'store' | 'transport' | 'topics' | 'clock' | 'logger' | 'settings'>;

/**
 * Publishes what was committed. Messages come in memory straight from their commit and go out with one send in flight;
 * ids that were published leave the outbox with a later batch's transaction, or by a flush when none comes. What was committed but
 * never published (a crash, a full memory) is found by the sweep. Publishing twice is harmless: message ids are derived.
 */
export class Relay {
  private waiting: OutboxMessage[] = [];
  private published: string[] = [];
  private publishing: Promise<void> | undefined;
  private forgetFlush: (() => void) | undefined;
  private forgetSweep: (() => void) | undefined;
  private sweeping: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly ground: Ground) {}

  /** Takes messages whose transaction is committed. */
  hand(messages: readonly OutboxMessage[]): void {
    if (messages.length === 0 || this.stopped || this.waiting.length > memoryLimit) return; // the sweep finds them
    this.waiting.push(...messages);
    this.publishing ??= this.publishAll();
  }

  /** Ids that are published: whoever takes them deletes them in a transaction, or gives them back. */
  takePublished(): readonly string[] {
    const ids = this.published;
    this.published = [];
    return ids;
  }

  giveBack(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.published.push(...ids);
    this.flushLater();
  }

  /** Starts the safety net. The first sweep takes everything: whatever an earlier life of this service left behind. */
  start(): void {
    this.sweepSoon(0, 0);
  }

  /** Publishes and flushes what is in hand, then rests. What cannot be published stays in the outbox. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.forgetSweep?.();
    await this.sweeping;
    await this.publishing;
    this.forgetFlush?.();
    await this.flush();
  }

  private async publishAll(): Promise<void> {
    await Promise.resolve(); // commits of the same turn go out in one send
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, sendSize);
      if (await this.sent(batch)) {
        this.waiting.splice(0, batch.length);
        this.published.push(...batch.map((message) => message.id));
      } else if (this.stopped) {
        this.waiting = [];
      } else {
        await new Promise<void>((resolve) => this.ground.clock.after(pauseAfterFailure, resolve));
      }
    }
    this.publishing = undefined;
    this.flushLater();
  }

  private async sent(messages: readonly OutboxMessage[]): Promise<boolean> {
    try {
      await this.publish(messages);
      return true;
    } catch (error) {
      this.ground.logger.warn(
        `Publishing ${messages.length} saga events failed; they stay in the outbox and are tried again: ${String(error)}`,
      );
      return false;
    }
  }

  private publish(messages: readonly OutboxMessage[]): Promise<void> {
    const { transport, topics } = this.ground;
    return transport.publish(messages.map(({ event }) => encode(event, topics.of(event))));
  }

  private flushLater(): void {
    if (this.published.length === 0 || this.forgetFlush || this.stopped) return;
    this.forgetFlush = this.ground.clock.after(flushAfter, () => {
      this.forgetFlush = undefined;
      void this.flush();
    });
  }

  private async flush(): Promise<void> {
    const ids = this.takePublished();
    if (ids.length === 0) return;
    try {
      await this.ground.store.outbox.delete(ids);
    } catch (error) {
      this.ground.logger.warn(
        `Deleting ${ids.length} published outbox messages failed; they are tried again: ${String(error)}`,
      );
      this.giveBack(ids);
    }
  }

  private sweepSoon(ms: number, olderThanMs: number): void {
    if (this.stopped) return;
    this.forgetSweep = this.ground.clock.after(ms, () => {
      this.sweeping = this.sweep(olderThanMs).finally(() => {
        this.sweepSoon(this.ground.settings.sweepEvery, this.ground.settings.sweepEvery);
      });
    });
  }

  private async sweep(olderThanMs: number): Promise<void> {
    if (this.publishing) return;
    try {
      let count = sendSize;
      while (count === sendSize && !this.stopped) {
        count = await this.ground.store.outbox.sweep(sendSize, olderThanMs, (messages) => this.publish(messages));
      }
    } catch (error) {
      this.ground.logger.warn(
        `Sweeping the outbox failed; it is swept again in ${this.ground.settings.sweepEvery} ms: ${String(error)}`,
      );
    }
  }
}
