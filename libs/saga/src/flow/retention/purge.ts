import { reasonOf } from '../../protocol/reason.js';
import type { Participant } from '../participant.js';
import { checkLifetimes, RetentionTooShort, topicsToOutlive, type Retention } from './retention.js';

/** Deletes at most so many of its rows; resolves to how many. */
export type PurgeBatch = (retention: Retention) => Promise<number>;

/** Between two batches others get at the rows. */
const pause = 50;

/**
 * Forgets settled sagas, in small batches, now and then. Before each round it asks the transport for how long records may come again: topics may be
 * configured anew while the service runs.
 */
export class Purge {
  private forget = (): void => undefined;
  private purging: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly others: { readonly topics: readonly string[]; readonly purge: PurgeBatch }[] = [];

  constructor(
    private readonly participant: Pick<
      Participant,
      'store' | 'transport' | 'topics' | 'steps' | 'clock' | 'chance' | 'logger'
    >,
    private readonly retention: Retention,
  ) {}

  /** Purges somebody else's rows too, which the records of these topics would bring back. */
  also(topics: readonly string[], purge: PurgeBatch): void {
    this.others.push({ topics, purge });
  }

  /**
   * A transport that cannot tell now is asked again before anything is deleted.
   *
   * @throws RetentionTooShort when the store would forget what its topics still know
   */
  async start(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      if (error instanceof RetentionTooShort) throw error;
      this.participant.logger.warn(`How long topics keep their records is not known yet: ${reasonOf(error)}`);
    }
    this.sleep();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.forget();
    await this.purging;
  }

  private sleep(): void {
    if (this.stopped) return;
    const { clock, chance } = this.participant;
    const wait = this.retention.every * (1 + chance.random() / 10); // replicas do not purge together
    this.forget = clock.after(wait, () => {
      this.purging = this.round().finally(() => this.sleep());
    });
  }

  private async round(): Promise<void> {
    const { store, logger } = this.participant;
    try {
      await this.check();
      const rows = await this.all(({ keep, batchSize }) => store.retention.purgeRows(keep, batchSize));
      const letters = await this.all(({ keep, batchSize }) => store.retention.purgeLetters(keep, batchSize));
      for (const { purge } of this.others) await this.all(purge);
      if (rows + letters > 0) logger.log(`Purged ${rows} rows of settled sagas and ${letters} settled dead letters.`);
    } catch (error) {
      logger.error(`Nothing more is purged for now: ${reasonOf(error)}`);
    }
  }

  private async all(purge: PurgeBatch): Promise<number> {
    let purged = 0;
    while (!this.stopped) {
      const count = await purge(this.retention);
      purged += count;
      if (count < this.retention.batchSize) break;
      await new Promise<void>((resolve) => this.participant.clock.after(pause, resolve));
    }
    return purged;
  }

  private async check(): Promise<void> {
    const { transport, topics, steps } = this.participant;
    const outside = steps.outsideSources.map(({ on }) => topics.outside(on.type));
    const heard = [
      ...topicsToOutlive(topics, steps.sagas),
      ...outside,
      ...this.others.flatMap((other) => other.topics),
    ];
    checkLifetimes(this.retention, await transport.lifetimes.of([...new Set(heard)]));
  }
}
