import type { TopicPartitionOffset } from 'kafkajs';

/**
 * Offsets on their way to the broker. They are gathered for a moment, because a commit costs the broker a write: what was handled less than
 * that moment ago comes again after a crash.
 */
export class OffsetCommits {
  private readonly waiting = new Map<string, TopicPartitionOffset>();
  private committing = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly intervalMs: number,
    private readonly commit: (offsets: TopicPartitionOffset[]) => Promise<void>,
    private readonly failed: (error: unknown) => void,
  ) {}

  mark(offset: TopicPartitionOffset): void {
    this.waiting.set(`${offset.topic}/${offset.partition}`, offset);
    if (!this.stopped) this.timer ??= setTimeout(() => void this.flush(), this.intervalMs);
  }

  /** The partition is somebody else's now. */
  forget(topic: string, partition: number): void {
    this.waiting.delete(`${topic}/${partition}`);
  }

  /** Commits what waits. Resolves also when that failed: then those records come again, unless a later commit succeeds. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.committing = this.committing.then(() => this.commitWaiting());
    await this.committing;
  }

  /** Commits what waits, for the last time. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.flush();
  }

  private async commitWaiting(): Promise<void> {
    const offsets = [...this.waiting.values()];
    this.waiting.clear();
    if (offsets.length === 0) return;
    try {
      await this.commit(offsets);
    } catch (error) {
      this.failed(error);
      for (const offset of offsets) if (!this.waiting.has(`${offset.topic}/${offset.partition}`)) this.mark(offset);
    }
  }
}
