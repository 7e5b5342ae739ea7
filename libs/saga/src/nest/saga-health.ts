import { reasonOf } from '../protocol/reason.js';
import { systemClock } from '../adapters/system/system-clock.js';
import type { TroubledStep } from '../flow/failure/failing-steps.js';
import type { GroupStanding, Standing, TransportFinding, TransportHealth } from '../ports/transport.js';
import type { OpenCircuit } from './circuit-breakers.js';
import { Probe } from './probe.js';
import type { SagaRuntime } from './runtime.js';

/** How long the database has to answer, ms: whoever asks for the health has an answer within a second. */
const patience = 800;
const mostParked = 100;
/** A transaction that runs for so long waits for something, ms. */
const slowAfter = 60_000;
/** When each lane has been taken for so long, and the database answers, only a restart gives them back, ms. */
const hungAfter = 300_000;

/** How a service feels, as seen from one of its processes. What is not known is absent or `unknown`, never a guess. */
export interface SagaHealth {
  /** Everything works: the database and the transport, nothing hangs, nothing is left unconsumed. Not a reason to restart when it does not. */
  readonly up: boolean;
  /** In words: what does not work, first. */
  readonly detail: string;
  /** False: only a restart of this process helps. For a liveness probe. No outage of Kafka or Postgres, and nobody else's doing, makes it false. */
  readonly live: boolean;
  /** Sagas can be started here: the database answers. For a readiness probe. While Kafka is away, events of starts wait in the outbox. */
  readonly ready: boolean;
  readonly database: Standing;
  /** Whether events go out, */
  readonly publishing: Standing;
  /** and whether all that this process should consume comes in. */
  readonly consuming: Standing;
  /** Each consumer group: what this process has of it, and how far it is behind. */
  readonly groups: readonly GroupStanding[];
  /** What is wrong with topics and groups, or would be in an outage. */
  readonly findings: readonly TransportFinding[];
  /** Committed events that are not known to be published yet, and since when the oldest waits; absent while the database does not answer. */
  readonly outbox?: { readonly size: number; readonly oldest?: Date };
  /** Steps and compensations of which nothing is attempted for the moment, because they failed too often in a row. */
  readonly circuits: readonly OpenCircuit[];
  /** Steps of which nobody knows whether their effect happened, oldest first, at most 100: each waits for an operator; absent while the database does not answer. */
  readonly parked?: readonly TroubledStep[];
  /** Steps and compensations that failed in this process and are attempted again, from the first failure on, at most 100. */
  readonly failing: readonly TroubledStep[];
  /** Since when the oldest of the transactions runs that are settled at the moment; absent when there is none. A method that does not return, or a row that somebody keeps locked, shows here. */
  readonly oldestBatch?: Date;
}

interface Stored {
  readonly outbox: NonNullable<SagaHealth['outbox']>;
  readonly parked: readonly TroubledStep[];
}

/** Puts together what the parts of a service say of themselves. It never throws, and asks nobody but the database. */
export class HealthReader {
  private readonly database = new Probe(systemClock, 'the database', () => this.stored(), patience);
  private readonly since = new Map<string, { readonly status: Standing['status']; readonly since: Date }>();

  constructor(private readonly runtime: SagaRuntime) {}

  async read(): Promise<SagaHealth> {
    const { built: service } = this.runtime;
    const startFailure = this.runtime.joining.failure;
    const { standing: database, value: stored } = service
      ? await this.database.ask()
      : { standing: this.stand('database', 'unknown', 'the application is not initialized'), value: undefined };
    const transport = this.transport();
    const groups = transport.groups ?? [];
    const consuming = this.consuming(transport, startFailure);
    const publishing = transport.publishing ?? this.stand('publishing', transport.up ? 'up' : 'down', transport.detail);
    const batches = service?.batches.since ?? [];
    const troubles = [
      ...[database, consuming].filter(({ status }) => status !== 'up').map(({ detail }) => detail),
      ...hanging(batches),
    ];
    const lanes = service?.participant.settings.lanes ?? Infinity;
    const isHung = database.status === 'up' && batches.filter((since) => ageOf(since) > hungAfter).length >= lanes;
    return {
      up: troubles.length === 0 && transport.up,
      detail: [
        ...new Set([...troubles.filter((trouble) => !transport.detail.includes(trouble)), transport.detail]),
      ].join('; '),
      live: startFailure === undefined && !isHung,
      ready: database.status === 'up',
      database,
      publishing,
      consuming,
      groups,
      findings: transport.findings ?? [],
      ...stored,
      circuits: this.runtime.circuits.open(),
      failing: service?.failing.list() ?? [],
      ...(batches[0] && { oldestBatch: batches[0] }),
    };
  }

  private consuming({ groups, up, detail }: TransportHealth, startFailure: string | undefined): Standing {
    if (startFailure !== undefined) return this.stand('consuming', 'down', startFailure);
    const worst = groups?.find(({ status }) => status === 'down') ?? groups?.find(({ status }) => status === 'unknown');
    if (worst) return this.stand('consuming', worst.status, worst.detail);
    if (!this.runtime.joining.started)
      return this.stand('consuming', 'unknown', 'the consumer groups are not joined yet');
    if (!groups) return this.stand('consuming', up ? 'up' : 'down', detail);
    return this.stand('consuming', 'up', 'all consumer groups are consuming');
  }

  /** An adapter of somebody else's may throw. */
  private transport(): TransportHealth {
    try {
      return this.runtime.transport.health();
    } catch (error) {
      return { up: false, detail: `the transport cannot tell its health: ${reasonOf(error)}` };
    }
  }

  private async stored(): Promise<Stored> {
    const { outbox, deadLetters } = this.runtime.service.participant.store;
    const [backlog, letters] = await Promise.all([
      outbox.backlog(),
      deadLetters.list({ kind: 'undecided', state: 'open', limit: mostParked }),
    ]);
    const parked = letters.map(
      ({ sagaType: saga = '', step = '', sagaId = '', createdAt: since, reason }): TroubledStep => ({
        saga,
        step,
        of: 'step',
        sagaId,
        since,
        reason,
      }),
    );
    return { outbox: backlog, parked };
  }

  private stand(part: string, status: Standing['status'], detail: string): Standing {
    const before = this.since.get(part);
    const since = before?.status === status ? before.since : systemClock.now();
    this.since.set(part, { status, since });
    return { status, since, detail };
  }
}

function hanging([oldest]: readonly Date[]): readonly string[] {
  if (!oldest || ageOf(oldest) <= slowAfter) return [];
  const seconds = Math.round(ageOf(oldest) / 1_000);
  return [`a transaction of steps has been running for ${seconds} s: a method does not return, or waits for a lock`];
}

function ageOf(since: Date): number {
  return systemClock.now().getTime() - since.getTime();
}
