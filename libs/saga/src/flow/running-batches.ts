import type { Clock } from '../ports/clock.js';

/** The batches that are being settled, each in a transaction and a lane of its own, and since when. */
export class RunningBatches {
  private readonly begun = new Set<{ readonly at: Date }>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  async run<T>(settle: () => Promise<T>): Promise<T> {
    const batch = { at: this.clock.now() };
    this.begun.add(batch);
    try {
      return await settle();
    } finally {
      this.begun.delete(batch);
    }
  }

  /** When each began, the oldest first: a set keeps its order. */
  get since(): readonly Date[] {
    return [...this.begun].map(({ at }) => at);
  }
}
