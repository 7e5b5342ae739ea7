import type { FenceRow } from '../ports/fence-row.js';
import type { Delivery, Settled } from './delivery.js';
import { handBack } from './hand-back.js';
import type { Participant } from './participant.js';

const atOnce = 200;
const lookAgainAfter = 1_000;
const shortestSleep = 10;

/**
 * Makes parked attempts when they are due. Rows are claimed with a lease, so replicas share the work and a claim
 * dies with its process. Sleeps until the next due time, but never long: other replicas park attempts too.
 */
export class Retries {
  private readonly inHand = new Set<Promise<void>>();
  /** By this process's clock; what is due is the store's to say, so a clock that is wrong or jumps costs a second at most. */
  private earliest = Number.NEGATIVE_INFINITY;
  private awake: (() => void) | undefined;
  private looking: Promise<void> | undefined;
  private stopped = false;
  private readonly left = new Set<string>();

  constructor(
    private readonly participant: Pick<Participant, 'store' | 'clock' | 'chance' | 'logger' | 'settings' | 'steps'>,
    private readonly submit: (delivery: Delivery) => Promise<Settled>,
  ) {}

  start(): void {
    this.sleep();
  }

  /** An attempt was parked by this process: it is not slept through. */
  expect(dueIn: number): void {
    const due = this.participant.clock.now().getTime() + dueIn;
    if (due >= this.earliest) return;
    this.earliest = due;
    if (this.awake) this.sleep();
  }

  /** Claims nothing more and waits for the attempts in hand. */
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
    const wait = Math.min(Math.max(this.earliest - clock.now().getTime(), shortestSleep), longest);
    this.awake = clock.after(wait, () => {
      this.awake = undefined;
      this.looking = this.look().finally(() => this.sleep());
    });
  }

  private async look(): Promise<void> {
    const { store, settings, clock, logger } = this.participant;
    this.earliest = Number.POSITIVE_INFINITY;
    const room = atOnce - this.inHand.size;
    if (room === 0) return;
    try {
      const due = await store.claimDue(room, settings.lease);
      for (const row of due) this.take(row);
      const next = due.length === room ? 0 : await this.nextDue();
      if (next !== undefined) this.earliest = Math.min(this.earliest, clock.now().getTime() + next);
    } catch (error) {
      logger.warn(`Looking for due attempts failed and is repeated: ${String(error)}`);
    }
  }

  private take(row: FenceRow): void {
    const attempt = this.attempt(row).finally(() => this.inHand.delete(attempt));
    this.inHand.add(attempt);
  }

  private async attempt(row: FenceRow): Promise<void> {
    const { steps, logger } = this.participant;
    const bound = steps.ofRow(row);
    try {
      if (!bound) return await this.leave(row);
      await this.submit({ sagaId: row.sagaId, bound, headers: row.headers, happening: { type: 'attempt' } });
    } catch (error) {
      logger.warn(`The attempt of step "${row.step}" of saga ${row.sagaId} is made again: ${String(error)}`);
    }
  }

  /** Who has to leave rows to others is not there first when they are due. */
  private async nextDue(): Promise<number | undefined> {
    return this.left.size > 0 ? undefined : this.participant.store.nextDue();
  }

  /** Said once for a step: all its rows come again until somebody can attempt them. */
  private async leave(row: FenceRow): Promise<void> {
    const { sagaType, sagaVersion } = row.headers;
    const step = `step "${row.step}" of saga "${sagaType}" version ${sagaVersion}`;
    if (!this.left.has(step)) {
      this.participant.logger.error(
        `This process has no method for ${step}, of which saga ${row.sagaId} and maybe more are due; they are left to replicas that have.`,
      );
    }
    this.left.add(step);
    await handBack(this.participant, row);
  }
}
