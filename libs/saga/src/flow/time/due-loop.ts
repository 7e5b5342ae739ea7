import type { Participant } from '../participant.js';

const atOnce = 200;
const lookAgainAfter = 1_000;
const shortestSleep = 10;
const longestSleep = 5_000;

/** Something in the store that becomes due. */
export interface DueSource<Item> {
  /** For the log: `attempts`. */
  readonly what: string;
  /** What is due, leased to this process; at most `limit`. */
  claim(limit: number): Promise<readonly Item[]>;
  /** In how many milliseconds the next is due. */
  nextDue(): Promise<number | undefined>;
  /** Sees to one item; does not reject. */
  take(item: Item): Promise<void>;
}

/**
 * Sees to what is due. It is claimed with a lease, so replicas share the work and a claim dies with its process. Sleeps until
 * the next due time, but never long: other replicas write too.
 */
export class DueLoop<Item> {
  private readonly inHand = new Set<Promise<void>>();
  /** By this process's clock; what is due is the store's to say, so a clock that is wrong or jumps costs a second at most. */
  private earliest = Number.NEGATIVE_INFINITY;
  private awake: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private failures = 0;
  private stopped = false;

  constructor(
    private readonly participant: Pick<Participant, 'clock' | 'chance' | 'outage'>,
    private readonly source: DueSource<Item>,
  ) {}

  start(): void {
    this.sleep();
  }

  /** This process wrote something that is due then: it is not slept through. */
  expect(dueIn: number): void {
    const due = this.participant.clock.now().getTime() + dueIn;
    if (due >= this.earliest) return;
    this.earliest = due;
    if (this.awake) this.sleep();
  }

  /** Claims nothing more and waits for what is in hand. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.awake?.();
    await this.looking;
    await Promise.all(this.inHand);
  }

  private sleep(): void {
    if (this.stopped) return;
    this.awake?.();
    const { clock, chance } = this.participant;
    const longest = lookAgainAfter + chance.random() * 50; // replicas do not look together
    const soonest =
      this.failures > 0 ? Math.min(lookAgainAfter * 2 ** (this.failures - 1), longestSleep) : shortestSleep;
    const wait = Math.max(Math.min(this.earliest - clock.now().getTime(), longest), soonest);
    this.awake = clock.after(wait, () => {
      this.awake = undefined;
      this.looking = this.look().finally(() => this.sleep());
    });
  }

  private async look(): Promise<void> {
    const { clock, outage } = this.participant;
    const looking = `looking for due ${this.source.what}`;
    this.earliest = Number.POSITIVE_INFINITY;
    const room = atOnce - this.inHand.size;
    if (room === 0) return;
    try {
      const due = await this.source.claim(room);
      for (const item of due) this.take(item);
      const next = due.length === room ? 0 : await this.source.nextDue();
      if (next !== undefined) this.earliest = Math.min(this.earliest, clock.now().getTime() + next);
      this.failures = 0;
      outage.worked(looking);
    } catch (error) {
      this.failures += 1;
      outage.failed(looking, error);
    }
  }

  private take(item: Item): void {
    const work = this.source.take(item).finally(() => this.inHand.delete(work));
    this.inHand.add(work);
  }
}
