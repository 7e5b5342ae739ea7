import { AsyncResource } from 'node:async_hooks';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of one member of a batch. */
export type Ending<Result> = { readonly result: Result } | { readonly error: unknown };

/**
 * Collects what happens to sagas into batches. A saga always takes the same lane and a lane settles one batch at a time, so two
 * batches of one process never meet on a saga. An idle lane settles a single member at once: batches form only from what waits.
 */
export class Batcher<Item extends { readonly sagaId: string }, Result> {
  private readonly lanes: Waiting<Item, Result>[][];
  private readonly running = new Map<number, Promise<void>>();
  /** Lanes work in the context of whoever made the batcher, not of the request whose member happens to wake them. */
  private readonly context = new AsyncResource('saga-batcher');

  constructor(
    private readonly settle: (items: readonly Item[]) => Promise<readonly Ending<Result>[]>,
    private readonly limits: { readonly lanes: number; readonly batchSize: number },
  ) {
    this.lanes = Array.from({ length: limits.lanes }, () => []);
  }

  /** Resolves when what follows from the item is durable. */
  add(item: Item): Promise<Result> {
    const lane = laneOf(item.sagaId, this.limits.lanes);
    return new Promise((resolve, reject) => {
      this.lanes[lane]!.push({ item, resolve, reject });
      if (!this.running.has(lane))
        this.running.set(
          lane,
          this.context.runInAsyncScope(() => this.run(lane)),
        );
    });
  }

  /** Resolves when nothing waits and nothing is being settled. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  private async run(lane: number): Promise<void> {
    const queue = this.lanes[lane]!;
    await Promise.resolve(); // members that arrive in the same turn go together
    while (queue.length > 0) {
      const batch = queue.splice(0, this.limits.batchSize);
      const endings = await this.settle(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => {
        const ending = endings[index]!;
        if ('error' in ending) waiting.reject(ending.error);
        else waiting.resolve(ending.result);
      });
    }
    this.running.delete(lane);
  }
}

/** FNV-1a over the characters: spreads ids of any form evenly. */
function laneOf(sagaId: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < sagaId.length; index += 1) {
    hash = Math.imul(hash ^ sagaId.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % lanes;
}
