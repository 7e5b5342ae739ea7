import { SagaError, SagaOperator, Sagas, StepRejected } from 'nest-saga';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../e2e/rows.js';
import { Random } from '../support/random.js';
import { undisturbed } from './disturbances.js';
import { Services, type Carrier, type ServicePlan } from './services.js';
import { Case, PartSigned } from './settlements.saga.js';
import { BankSteps, Deeds, DeskSteps, OfficeSteps, Trouble } from './settlements.steps.js';

type Name = 'office' | 'bank' | 'desk';

interface Row {
  readonly saga_id: string;
  readonly correlation_id: string;
  readonly saga_type: string;
  readonly step: string;
  readonly status: string;
}

/** What each undo comes after, of one part. */
const undoOrder = ['unsign', 'unreserve', 'uninsure', 'unask', 'unassess', 'unopen'];
const closed = ['rejected', 'cancelled', 'compensated'];
/** After the pivot, and in an undo, nothing is refused. */
const isRefusable = (deed: string): boolean => !/^(un|pay|file)/.test(deed);

/** Three services settle cases, and all that may go wrong does, as a seed says. */
export class Settlements {
  private readonly cases = new Map<string, readonly string[]>();

  private constructor(
    readonly services: Services<Name>,
    private readonly trouble: Trouble,
    private readonly random: Random,
  ) {}

  static async open(seed: number, carrier: Carrier): Promise<Settlements> {
    const [trouble, random] = [new Trouble(), new Random(seed)];
    const saga: ServicePlan['saga'] = {
      retry: { retries: 3, firstDelay: 20, maxDelay: 200 },
      settings: { lease: 2_000, sweepEvery: 500 },
      circuit: 'off',
    };
    const providers = [Deeds, { provide: Trouble, useValue: trouble }];
    const services = await Services.of<Name>(
      {
        office: { entities: [], providers: [...providers, OfficeSteps], saga, tracks: true },
        bank: { entities: [], providers: [...providers, BankSteps], saga },
        desk: { entities: [], providers: [...providers, DeskSteps], saga },
      },
      undisturbed,
      carrier,
    );
    await services.start('office', 'bank', 'desk');
    return new Settlements(services, trouble, random);
  }

  async begin(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const parts = ['car', 'house', 'boat'].filter(() => this.random.happens(0.5));
      const { sagaId } = await this.services.get('office', Sagas).start(Case, { parts });
      this.cases.set(sagaId, parts);
    }
  }

  /** Services are killed and started again, methods fail and refuse, people sign or do not, abort and redrive. */
  async suffer(rounds: number): Promise<void> {
    const { random, services } = this;
    this.trouble.befalls = (deed) => {
      if (random.happens(0.25)) return 'throws';
      return isRefusable(deed) && random.happens(0.05) ? 'refuses' : undefined;
    };
    for (let round = 0; round < rounds; round += 1) {
      if (random.happens(0.25)) {
        const name = random.pick(services.names);
        await services.kill(name);
        await sleep(random.below(200));
        await services.restart(name);
      }
      if (random.happens(0.1)) await this.abortOne();
      if (random.happens(0.5)) await this.sign(0.1);
      if (random.happens(0.3)) await this.redrive();
      await sleep(random.below(300));
    }
    this.trouble.befalls = () => undefined;
  }

  /** Nothing goes wrong any more, and people do their part until nothing is left to do. */
  async end(): Promise<void> {
    await until(
      'all cases are over, and nothing is left to do anywhere',
      async () => {
        await this.sign(0);
        await this.redrive();
        return (await this.left()).length === 0;
      },
      60_000,
    );
  }

  /** All that contradicts itself, or what was promised. */
  async faults(): Promise<readonly string[]> {
    const [rows, journal] = [await this.rows(), await this.services.journal()];
    const found: string[] = [];
    for (const sagaId of this.cases.keys()) {
      const own = rows.filter((row) => row.correlation_id === sagaId);
      const isUndone = own.some(({ saga_id, status }) => saga_id === sagaId && closed.includes(status));
      const odd = own.filter(({ status }) => closed.includes(status) !== isUndone);
      found.push(...odd.map(({ saga_type, step, status }) => `${saga_type} ${step} is ${status}`));
      const notes = journal.flatMap((note) => (note.startsWith(sagaId) ? [note.slice(37)] : []));
      found.push(...faultsOf(notes, isUndone));
    }
    return [...found, ...(await this.untold(rows)), ...(await this.kept())];
  }

  private async abortOne(): Promise<void> {
    const ids = [...new Set((await this.rows()).map(({ saga_id }) => saga_id))];
    const aborted = this.services.sagas.requestAbort(this.random.pick(ids), 'nobody wants it any more');
    await aborted.catch((error: unknown) => {
      if (!(error instanceof SagaError)) throw error; // nobody knows the branches yet, or the tracker does not know the saga
    });
  }

  private async sign(refusals: number): Promise<void> {
    const desk = this.services.get('desk', Sagas);
    for (const [sagaId, parts] of this.cases)
      for (const branch of parts) {
        const refused = this.random.happens(refusals) && this.random.happens(0.5);
        const event = refused ? new StepRejected('not mine') : new PartSigned({ part: branch });
        await desk.signal(sagaId, Case.steps.sign, event, { branch });
      }
  }

  private async redrive(): Promise<void> {
    for (const name of this.services.names) {
      const operator = this.services.get(name, SagaOperator);
      for (const { id } of await operator.deadLetters({ state: 'open' }))
        await operator.redrive({ letterId: id, actor: 'ann', reason: 'it is well again' });
    }
  }

  /** What is not over yet, anywhere. */
  private async left(): Promise<readonly string[]> {
    const inService = `
      SELECT saga_type || ' ' || step || ' ' || status AS what FROM saga_step WHERE status IN ('running', 'compensating', 'deadLettered') OR next_attempt_at IS NOT NULL
      UNION ALL SELECT 'event ' || id FROM saga_outbox UNION ALL SELECT 'letter ' || step FROM saga_dead_letter WHERE settled_at IS NULL`;
    const inTracker = `SELECT saga_type || ' ' || status AS what FROM saga_instance WHERE status NOT IN ('completed', 'aborted')`;
    return [
      ...(await this.of(inService)),
      ...(await this.services.query<{ what: string }>('office', inTracker)).map(({ what }) => what),
    ];
  }

  /** Locks and timers that outlive their saga. */
  private kept(): Promise<readonly string[]> {
    return this.of(
      `SELECT 'lock ' || resource AS what FROM saga_lock UNION ALL SELECT 'timer ' || step FROM saga_timer`,
    );
  }

  /** Rows of which the tracker says something else. */
  private async untold(rows: readonly Row[]): Promise<readonly string[]> {
    const sql = 'SELECT saga_id, status, steps, inconsistencies FROM saga_instance';
    type Instance = { saga_id: string; steps: Record<string, string>; inconsistencies: string[] };
    const instances = await this.services.query<Instance>('office', sql);
    const told = new Map(instances.map((instance) => [instance.saga_id, instance]));
    return [
      ...instances.flatMap(({ inconsistencies }) => inconsistencies),
      ...rows
        .filter(({ saga_id, step, status }) => told.get(saga_id)?.steps[step] !== status)
        .map(
          ({ saga_id, saga_type, step, status }) =>
            `${saga_type} ${step}: ${status}, told: ${told.get(saga_id)?.steps[step]}`,
        ),
    ];
  }

  private async rows(): Promise<readonly Row[]> {
    const sql =
      'SELECT saga_id, coalesce(correlation_id, saga_id::text) AS correlation_id, saga_type, step, status FROM saga_step';
    return (await Promise.all(this.services.names.map((name) => this.services.query<Row>(name, sql)))).flat();
  }

  private async of(sql: string): Promise<readonly string[]> {
    const found = this.services.names.map(async (name) =>
      (await this.services.query<{ what: string }>(name, sql)).map(({ what }) => `${name}: ${what}`),
    );
    return (await Promise.all(found)).flat();
  }
}

function faultsOf(notes: readonly string[], isUndone: boolean): readonly string[] {
  const made = notes.filter((note) => !note.startsWith('un'));
  const undos = notes.filter((note) => note.startsWith('un')).map((note) => note.split(' ') as [string, string]);
  const misplaced = undos.flatMap(([deed, part], at) =>
    undos.slice(at + 1).flatMap(([later, other]) => {
      const isWhole = [deed, later].some((one) => one === 'unsign' || one === 'unopen');
      const follows = undoOrder.indexOf(later) < undoOrder.indexOf(deed) && (part === other || isWhole);
      return follows ? [`${deed} ${part} before ${later} ${other}`] : [];
    }),
  );
  return [
    ...notes.filter((note, at) => notes.indexOf(note) !== at).map((note) => `${note} twice`),
    ...made.filter((note) => notes.includes(`un${note}`) !== isUndone).map((note) => `${note}: undone, or not`),
    ...misplaced,
  ];
}
