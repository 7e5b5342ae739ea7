import type { DeadLetter } from '../../ports/dead-letters.js';
import type { IncomingRecord } from '../../ports/transport.js';
import type { SagaGraph } from '../../definition/saga-definition.js';
import type { Audience } from '../bound-step.js';
import type { Participant } from '../participant.js';

const taking = 'taking events of versions that were unknown';
const pageSize = 100;
const lookEvery = 5_000;
const soon = 100;

/** Takes a record that was parked; resolves to whether it was taken, when all that follows from it is durable. */
type Take = (audience: Audience, record: IncomingRecord) => Promise<boolean>;

/**
 * Takes the events that were parked because a process did not know their version or their graph, once a process runs that does: when it starts, and now and
 * then, because older replicas may park more until they are gone. Replicas may take the same event: its fence row knows it. What cannot be taken stays.
 */
export class ParkedVersions {
  private forget = (): void => undefined;
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly participant: Pick<
      Participant,
      'store' | 'steps' | 'clock' | 'chance' | 'outage' | 'logger' | 'service'
    >,
    private readonly take: Take,
  ) {}

  start(): void {
    this.lookIn(soon);
  }

  /** Takes nothing more and waits for what is in hand. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.forget();
    await this.looking;
  }

  private lookIn(ms: number): void {
    if (this.stopped) return;
    this.forget = this.participant.clock.after(ms, () => {
      this.looking = this.look().finally(() => {
        this.lookIn(lookEvery * (1 + this.participant.chance.random() / 5)); // replicas do not look together
      });
    });
  }

  private async look(): Promise<void> {
    const { store, steps, outage } = this.participant;
    try {
      const [any] = await store.deadLetters.list({ state: 'open', kind: 'version', limit: 1 });
      if (any) for (const saga of steps.sagas) await this.takeAll(saga);
      outage.worked(taking);
    } catch (error) {
      outage.failed(taking, error);
    }
  }

  private async takeAll(saga: SagaGraph): Promise<void> {
    let last: string | undefined;
    do last = await this.takePage(saga, last);
    while (last !== undefined && !this.stopped);
  }

  /** @returns the last letter of the page, if more may come after it */
  private async takePage(saga: SagaGraph, after: string | undefined): Promise<string | undefined> {
    const { store, logger, service, steps } = this.participant;
    const { name: sagaType, version: sagaVersion } = saga;
    const takenBy = { graphs: steps.graphsOf(saga), steps: steps.namesIn(saga) };
    const page = { state: 'open', kind: 'version', sagaType, sagaVersion, takenBy, limit: pageSize } as const;
    const letters = await store.deadLetters.list({ ...page, ...(after !== undefined && { after }) });
    const taken = await this.taken(letters);
    if (taken.length > 0) {
      const settlements = taken.map(({ id }) => ({ which: { id }, as: 'overtaken' as const, by: service }));
      await store.transaction([], (transaction) =>
        transaction.save({ rows: [], staged: [], published: [], settlements }),
      );
      logger.log(`Took ${taken.length} events of version ${sagaVersion} of saga "${sagaType}" that were parked.`);
    }
    return letters.length === pageSize ? letters.at(-1)!.id : undefined;
  }

  private async taken(letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
    const ends = await Promise.allSettled(
      letters.map(async (letter) => !letter.record || this.take(letter.audience ?? 'steps', letter.record)),
    );
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
    return letters.filter((_, index) => (ends[index] as PromiseFulfilledResult<boolean>).value);
  }
}
