import type { TopicPartitionOffset } from 'kafkajs';
import { after, sleep } from '../../ports/own-context.js';

const lastTriesMs = 2_000;

/**
 * Offsets on their way to the broker. They are gathered for a moment, because a commit costs the broker a write: what was handled less than
 * that moment ago comes again after a crash.
 */
export class OffsetCommits {
  private readonly waiting = new Map<string, TopicPartitionOffset>();
  private sent = new Map<string, TopicPartitionOffset>();
  private committing = Promise.resolve();
  private forgetFlush: (() => void) | undefined;
  private stopped = false;

  constructor(
    private readonly intervalMs: number,
    private readonly commit: (offsets: TopicPartitionOffset[]) => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  mark(offset: TopicPartitionOffset): void {
    this.waiting.set(`${offset.topic}/${offset.partition}`, offset);
    if (!this.stopped) this.forgetFlush ??= after(this.intervalMs, () => void this.flush());
  }

  /** The partition is somebody else's now. */
  forget(topic: string, partition: number): void {
    for (const offsets of [this.waiting, this.sent]) offsets.delete(`${topic}/${partition}`);
  }

  /** Commits what waits. Resolves also when that failed: then those records come again, unless a later commit succeeds. */
  async flush(): Promise<void> {
    this.forgetFlush?.();
    this.forgetFlush = undefined;
    this.committing = this.committing.then(() => this.commitWaiting());
    await this.committing;
  }

  /** Commits what waits, for the last time. Tries for a moment, because the others of the group may be leaving too. */
  async stop(): Promise<void> {
    this.stopped = true;
    const deadline = Date.now() + lastTriesMs;
    await this.flush();
    while (this.waiting.size > 0 && Date.now() < deadline) {
      await sleep(this.intervalMs);
      await this.flush();
    }
  }

  private async commitWaiting(): Promise<void> {
    this.sent = new Map(this.waiting);
    this.waiting.clear();
    if (this.sent.size === 0) return;
    try {
      await this.commit([...this.sent.values()]);
    } catch (error) {
      this.failed(error);
      for (const [place, offset] of this.sent) if (!this.waiting.has(place)) this.mark(offset);
    }
  }
}
