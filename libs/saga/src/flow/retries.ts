import type { Delivery, Settled } from './delivery.js';
import type { Participant } from './participant.js';

const claimSize = 200;
const lookAgainAfter = 1_000;

/**
 * Makes parked attempts when they are due. Rows are claimed with a lease, so replicas share the work and a claim
 * dies with its process. Sleeps until the next due time, but never long: other replicas park attempts too.
 */
export class Retries {
  private forget: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly participant: Pick<Participant, 'store' | 'clock' | 'chance' | 'logger' | 'settings' | 'steps'>,
    private readonly submit: (delivery: Delivery) => Promise<Settled>,
  ) {}

  start(): void {
    this.wakeIn(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.forget?.();
    await this.running;
  }

  private wakeIn(ms: number): void {
    if (this.stopped) return;
    this.forget = this.participant.clock.after(ms, () => {
      this.running = this.round().then((wait) => this.wakeIn(wait));
    });
  }

  /** @returns how long to sleep */
  private async round(): Promise<number> {
    const { store, settings, clock, chance, logger } = this.participant;
    const jitter = chance.random() * 50;
    try {
      const due = await store.claimDue(claimSize, settings.lease);
      await Promise.allSettled(due.map((row) => this.attempt(row)));
      if (due.length === claimSize) return 0;
      const next = await store.nextDue();
      const wait = next ? next.getTime() - clock.now().getTime() : lookAgainAfter;
      return Math.min(Math.max(wait, 10), lookAgainAfter) + jitter;
    } catch (error) {
      logger.warn(`Looking for due attempts failed and is repeated: ${String(error)}`);
      return lookAgainAfter + jitter;
    }
  }

  private async attempt(row: Awaited<ReturnType<Participant['store']['claimDue']>>[number]): Promise<void> {
    const bound = this.participant.steps.find(row.headers.sagaType, row.step);
    if (!bound) {
      this.participant.logger.error(
        `Step "${row.step}" of saga ${row.sagaId} is due, but this service has no method for it any more.`,
      );
      return;
    }
    await this.submit({ sagaId: row.sagaId, bound, headers: row.headers, happening: { type: 'attempt' } }).catch(
      (error: unknown) => {
        this.participant.logger.warn(
          `The attempt of step "${row.step}" of saga ${row.sagaId} is made again: ${String(error)}`,
        );
      },
    );
  }
}
