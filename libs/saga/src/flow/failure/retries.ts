import { reasonOf } from '../../protocol/reason.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { SagaVersion } from '../bound-steps.js';
import type { Delivery, Settled } from '../delivery.js';
import { DueLoop } from '../time/due-loop.js';
import { handBack } from './hand-back.js';
import { unknownAround } from '../versions/unknown-around.js';
import { OtherGraph } from '../versions/other-graph.js';
import type { Participant } from '../participant.js';

/** Makes parked attempts when they are due. */
export class Retries {
  private readonly loop: DueLoop<FenceRow>;
  private readonly left = new Set<string>();

  constructor(
    private readonly participant: Pick<
      Participant,
      'store' | 'clock' | 'chance' | 'logger' | 'outage' | 'settings' | 'steps'
    >,
    private readonly submit: (delivery: Delivery) => Promise<Settled>,
  ) {
    const { store, settings } = participant;
    this.loop = new DueLoop(participant, {
      what: 'attempts',
      claim: (limit) => store.claimDue(limit, settings.lease),
      nextDue: () => this.nextDue(),
      take: (row) => this.attempt(row),
    });
  }

  start(): void {
    this.loop.start();
  }

  /** An attempt was parked by this process: it is not slept through. */
  expect(dueIn: number): void {
    this.loop.expect(dueIn);
  }

  /** Claims nothing more and waits for the attempts in hand. */
  stop(): Promise<void> {
    return this.loop.stop();
  }

  private async attempt(row: FenceRow): Promise<void> {
    const { steps, logger } = this.participant;
    const bound = steps.ofRow(row);
    try {
      const around = bound && unknownAround(steps, { bound, headers: row.headers });
      const other = steps.otherGraph(row.headers.sagaType, row.headers.sagaVersion, row.headers.graph);
      if (!bound || around || other) return await this.leave(row, around, other);
      await this.submit({ sagaId: row.sagaId, bound, headers: row.headers, happening: { type: 'attempt' } });
    } catch (error) {
      if (error instanceof OtherGraph) return this.leave(row, undefined, error);
      logger.warn(`The attempt of step "${row.step}" of saga ${row.sagaId} is made again: ${reasonOf(error)}`);
      await this.sooner(row);
    }
  }

  /** It need not wait for its lease to end, unless the database is away altogether. */
  private async sooner(row: FenceRow): Promise<void> {
    await handBack(this.participant, row).catch(() => undefined);
  }

  /** Who has to leave rows to others is not there first when they are due. */
  private async nextDue(): Promise<number | undefined> {
    return this.left.size > 0 ? undefined : this.participant.store.nextDue();
  }

  /** Said once for a step: all its rows come again until somebody can attempt them. */
  private async leave(
    row: FenceRow,
    around: SagaVersion | undefined,
    other: { readonly why: string } | undefined,
  ): Promise<void> {
    const { sagaType, sagaVersion } = row.headers;
    const step = `step "${row.step}" of saga "${sagaType}" version ${sagaVersion}`;
    const why = other
      ? `cannot move ${step}, because ${other.why}`
      : around
        ? `does not know saga "${around.name}" version ${around.version} around ${step}`
        : `has no method for ${step}`;
    if (!this.left.has(why)) {
      this.participant.logger.error(
        `This process ${why}, of which saga ${row.sagaId} and maybe more are due; they are left to replicas that have.`,
      );
    }
    this.left.add(why);
    await handBack(this.participant, row);
  }
}
