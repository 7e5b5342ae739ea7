import type { DeadLetter } from '../../ports/dead-letters.js';
import type { IncomingRecord } from '../../ports/transport.js';
import type { Audience } from '../bound-step.js';
import type { SagaVersion } from '../bound-steps.js';
import type { Participant } from '../participant.js';

const pageSize = 100;
const lookEvery = 5_000;
const soon = 100;

/** Takes the records of a batch; resolves when all that follows from them is durable. */
type Receive = (audience: Audience, records: readonly IncomingRecord[]) => Promise<void>;

/**
 * Takes the events that were parked because a process did not know their version, once a process runs that does: when it starts, and now and
 * then, because older replicas may park more until they are gone. Replicas may take the same event: its fence row knows it.
 */
export class ParkedVersions {
  private forget = (): void => undefined;
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly participant: Pick<Participant, 'store' | 'steps' | 'clock' | 'chance' | 'logger' | 'service'>,
    private readonly receive: Receive,
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
    const { store, steps, logger } = this.participant;
    try {
      const [any] = await store.deadLetters.list({ state: 'open', kind: 'version', limit: 1 });
      if (!any) return;
      for (const saga of steps.sagas) while (!this.stopped && (await this.takePage(saga)) === pageSize);
    } catch (error) {
      logger.warn(`Taking events of versions that were unknown failed and is repeated: ${String(error)}`);
    }
  }

  private async takePage({ name: sagaType, version: sagaVersion }: SagaVersion): Promise<number> {
    const { store, logger, service } = this.participant;
    const filter = { state: 'open', kind: 'version', sagaType, sagaVersion, limit: pageSize } as const;
    const letters = await store.deadLetters.list(filter);
    for (const audience of ['steps', 'listeners'] as const) {
      const records = recordsOf(letters, audience);
      if (records.length > 0) await this.receive(audience, records);
    }
    if (letters.length === 0) return 0;
    const settlements = letters.map(({ id }) => ({ which: { id }, as: 'overtaken' as const, by: service }));
    await store.transaction([], (transaction) =>
      transaction.save({ rows: [], staged: [], published: [], settlements }),
    );
    logger.log(`Took ${letters.length} events of version ${sagaVersion} of saga "${sagaType}" that were parked.`);
    return letters.length;
  }
}

function recordsOf(letters: readonly DeadLetter[], wanted: Audience): readonly IncomingRecord[] {
  return letters.flatMap(({ record, audience }) => (record && audience === wanted ? [record] : []));
}
