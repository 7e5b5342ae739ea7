import type { Clock } from '../ports/clock.js';
import { inOwnContext } from '../ports/own-context.js';

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of one member of a batch; `later`: somebody holds what it needs. */
export type Ending<Result> = { readonly result: Result } | { readonly error: unknown } | 'later';

/** Members that are worth a transaction of their own beside one that is running: with fewer, its price shows. */
const worthALane = 8;
/** How long fewer wait for the running batches, ms: long for what a database takes, short beside a slow handler. */
const patience = 10;

/** How long a member is left alone that somebody else holds up, ms. */
const pauseBeforeLater = 500;

/**
 * Collects what happens to sagas into batches. Up to `lanes` batches are settled at once, never two of them with the same saga.
 * An idle batcher settles a single member at once; while it works, batches form from what waits, so the busier it is the fewer
 * transactions a member costs.
 */
export class Batcher<Item extends { readonly sagaId: string }, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private readonly inHand = new Set<string>();
  private readonly running = new Set<Promise<void>>();
  private awake = false;
  private openingLater = false;
  private postponed = 0;

  constructor(
    private readonly settle: (items: readonly Item[]) => Promise<readonly Ending<Result>[]>,
    private readonly limits: { readonly lanes: number; readonly batchSize: number },
    private readonly clock: Pick<Clock, 'after'>,
  ) {}

  /** Resolves when what follows from the item is durable. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.wake();
    });
  }

  /** Resolves when nothing waits and nothing is being settled. */
  async idle(): Promise<void> {
    while (this.waiting.length + this.running.size + this.postponed > 0) {
      await Promise.all(this.running);
      if (this.postponed > 0) await new Promise<void>((resolve) => this.clock.after(pauseBeforeLater, resolve));
    }
  }

  /** Members that arrive in the same turn go together. A batch belongs to nobody, whichever member happens to wake the batcher. */
  private wake(): void {
    if (this.awake || this.running.size === this.limits.lanes) return;
    this.awake = true;
    inOwnContext(() => {
      void Promise.resolve().then(() => {
        this.awake = false;
        this.open(this.running.size === 0);
      });
    });
  }

  /** @param atLeastOne whether a batch is begun however few wait */
  private open(atLeastOne: boolean): void {
    const free = this.limits.lanes - this.running.size;
    const worth = Math.floor(this.waiting.length / worthALane);
    const batches = Math.min(free, Math.max(worth, atLeastOne ? 1 : 0));
    const share = Math.min(Math.ceil(this.waiting.length / batches), this.limits.batchSize);
    for (let begun = 0; begun < batches; begun += 1) this.begin(share);
    if (this.waiting.length > 0 && this.running.size < this.limits.lanes) this.openLater();
  }

  private openLater(): void {
    if (this.openingLater) return;
    this.openingLater = true;
    this.clock.after(patience, () => {
      this.openingLater = false;
      this.open(true);
    });
  }

  private begin(size: number): void {
    const batch = this.take(size);
    if (batch.length === 0) return;
    const sagas = batch.map(({ item }) => item.sagaId);
    for (const saga of sagas) this.inHand.add(saga);
    const run = this.run(batch).finally(() => {
      for (const saga of sagas) this.inHand.delete(saga);
      this.running.delete(run);
      this.wake();
    });
    this.running.add(run);
  }

  /** The oldest that wait, without those whose saga is in hand. */
  private take(size: number): readonly Waiting<Item, Result>[] {
    const taken: Waiting<Item, Result>[] = [];
    const left: Waiting<Item, Result>[] = [];
    let index = 0;
    for (; index < this.waiting.length && taken.length < size; index += 1) {
      const waiting = this.waiting[index]!;
      (this.inHand.has(waiting.item.sagaId) ? left : taken).push(waiting);
    }
    this.waiting = [...left, ...this.waiting.slice(index)];
    return taken;
  }

  private async run(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    const endings = await this.settle(batch.map(({ item }) => item));
    batch.forEach((waiting, index) => {
      const ending = endings[index]!;
      if (ending === 'later') this.postpone(waiting);
      else if ('error' in ending) waiting.reject(ending.error);
      else waiting.resolve(ending.result);
    });
  }

  /** It takes no lane while it waits, and holds up nobody else. */
  private postpone(waiting: Waiting<Item, Result>): void {
    this.postponed += 1;
    this.clock.after(pauseBeforeLater, () => {
      this.postponed -= 1;
      this.waiting.push(waiting);
      this.wake();
    });
  }
}
