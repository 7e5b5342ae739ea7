import { reasonOf } from '../../protocol/reason.js';
import { inOwnContext } from '../../ports/own-context.js';
import type { Subscription, TransportContext } from '../../ports/transport.js';
import type { MemoryBatch, MemoryGroup } from './memory-transport-group.js';
import type { TopicLog } from './memory-transport-log.js';

const mostInHand = 16;

/** One subscriber in a group, with the batches that it has in hand. */
export class MemoryMember {
  private readonly handling = new Set<Promise<void>>();

  constructor(
    private readonly group: MemoryGroup,
    private readonly subscription: Subscription,
    readonly logs: ReadonlySet<TopicLog>,
    private readonly logger: TransportContext['logger'],
  ) {}

  /** Whether all of the batch is of topics that it subscribes to. */
  reads({ records }: MemoryBatch): boolean {
    return records.every(({ origin }) => this.subscription.topics.includes(origin.topic));
  }

  get inHand(): number {
    return this.handling.size;
  }

  get free(): boolean {
    return this.inHand < mostInHand;
  }

  /** A subscriber is called as by a broker: never in the context of whoever published. */
  take(batch: MemoryBatch): void {
    const handled = inOwnContext(() => this.handle(batch)).finally(() => {
      this.handling.delete(handled);
      this.group.wake();
    });
    this.handling.add(handled);
  }

  /** Takes no more batches; resolves when none is in hand. */
  async leave(): Promise<void> {
    this.group.leave(this);
    await Promise.all(this.handling);
  }

  private async handle(batch: MemoryBatch): Promise<void> {
    try {
      await this.subscription.handle(batch.records);
    } catch (error) {
      const pause = this.group.refused(batch);
      const size = batch.records.length;
      this.logger.warn(
        `Group "${this.subscription.group}": a batch of ${size} records comes again in ${pause} ms: ${reasonOf(error)}`,
      );
    }
  }
}
