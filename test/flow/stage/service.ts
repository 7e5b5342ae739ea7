import { v5 } from 'uuid';
import { MemoryBoard } from '../../../libs/saga/src/adapters/memory/memory-board.js';
import { MemoryStore } from '../../../libs/saga/src/adapters/memory/memory-store.js';
import type { SagaGraph } from '../../../libs/saga/src/definition/index.js';
import type { BoundStep, CompensationContext, StepContext } from '../../../libs/saga/src/flow/bound-step.js';
import { Announcer } from '../../../libs/saga/src/flow/fleet/announcer.js';
import { Outage } from '../../../libs/saga/src/ports/outage.js';
import { BoundSteps } from '../../../libs/saga/src/flow/bound-steps.js';
import { OutsideEvents } from '../../../libs/saga/src/flow/outside-events.js';
import { defaultSettings, type FlowSettings } from '../../../libs/saga/src/flow/participant.js';
import type { Retention } from '../../../libs/saga/src/flow/retention/retention.js';
import { SagaService } from '../../../libs/saga/src/flow/service.js';
import { Tally } from '../../../libs/saga/src/flow/tally.js';
import type { Chance } from '../../../libs/saga/src/ports/clock.js';
import type { FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import { StoreFailure, type StepStore } from '../../../libs/saga/src/ports/step-store.js';
import type { Envelope } from '../../../libs/saga/src/protocol/envelope.js';
import type { RetryPolicy } from '../../../libs/saga/src/protocol/retry.js';
import { topicsNamed } from '../../../libs/saga/src/protocol/topics.js';
import { EffectStore } from './effect-store.js';
import { FakeTransport } from './fake-transport.js';
import { VirtualClock } from './virtual-clock.js';

/** What outlives a process: the database, the broker, time. */
export class Ground {
  readonly clock = new VirtualClock();
  readonly store = new EffectStore(new MemoryStore(this.clock));
  readonly transport = new FakeTransport();
  readonly board = new MemoryBoard(() => this.clock.now().getTime());
}

type StepMethod = (input: never, saga: StepContext) => unknown;
type Undo = (done: never, saga: CompensationContext) => unknown;

/** Four attempts, after 1, 2 and 4 s. */
export const shortRetry: RetryPolicy = { retries: 3, firstDelay: 1_000, maxDelay: 60_000, jitter: 0 };

/** A method bound to a step, as the module would bind a decorated one. */
export function bind(
  saga: SagaGraph,
  step: string,
  run: StepMethod,
  more: {
    readonly undo?: Undo;
    readonly resolve?: StepMethod;
    readonly retry?: Partial<RetryPolicy>;
  } & Partial<Pick<BoundStep, 'hears' | 'circuit' | 'undoCircuit'>> = {},
): BoundStep {
  const { undo, resolve, retry, ...rest } = more;
  const policy = { ...shortRetry, ...retry };
  return {
    saga,
    node: saga.steps[step]!,
    run: async (input, context) => run(input as never, context),
    ...(undo && { compensate: async (done: object, context: CompensationContext) => undo(done as never, context) }),
    ...(resolve && {
      resolve: async (input: unknown, context: StepContext) => resolve(input as never, context),
    }),
    retry: policy,
    undoRetry: policy,
    ...rest,
  };
}

/** A process of a service. Another one on the same ground is its next life, or a replica. */
export class Service {
  /** `cut`: its database does not answer it. `dead`: nothing of it happens any more. */
  state: 'well' | 'cut' | 'dead' = 'well';
  readonly tally = new Tally();
  readonly logs: string[] = [];
  readonly mirrored: Envelope[] = [];
  readonly saga: SagaService;
  readonly announcer: Announcer | undefined;
  readonly name: string;

  constructor(
    readonly ground: Ground,
    steps: readonly BoundStep[],
    options: {
      readonly name?: string;
      readonly settings?: Partial<FlowSettings>;
      readonly random?: () => number;
      /** Another store than the ground's. */
      readonly store?: StepStore;
      /** Definitions beside those of its steps. */
      readonly knows?: readonly SagaGraph[];
      readonly retention?: Retention;
      readonly acceptsGraphs?: readonly string[];
      readonly outside?: OutsideEvents;
      /** It announces itself on the ground's board. */
      readonly announces?: boolean;
      readonly handsOver?: readonly string[];
      readonly takesOver?: readonly string[];
    } = {},
  ) {
    this.name = options.name ?? 'hotel';
    const log = (message: string): void => void this.logs.push(message);
    const bound = new BoundSteps(steps, options.knows, options.retention, options.acceptsGraphs);
    const logger = { log, warn: log, error: log };
    const clock = {
      now: () => ground.clock.now(),
      after: (ms: number, call: () => void) => ground.clock.after(ms, () => this.alive(call)),
    };
    const chance = counted(options.random ?? (() => 0));
    this.announcer =
      options.announces === true
        ? announcing({ service: this.name, steps: bound, clock, chance, logger }, ground, options)
        : undefined;
    this.saga = new SagaService({
      service: this.name,
      steps: bound,
      ...(this.announcer && { announcer: this.announcer }),
      store: this.reaching(options.store ?? ground.store),
      transport: {
        publish: async (messages) => {
          await Promise.resolve();
          return this.state === 'dead' ? new Promise<never>(() => undefined) : ground.transport.publish(messages);
        },
        subscribe: (subscription) => ground.transport.subscribe(subscription),
        drain: () => ground.transport.drain(),
        close: () => ground.transport.close(),
        health: () => ground.transport.health(),
        lifetimes: ground.transport.lifetimes,
      },
      topics: topicsNamed('perSaga'),
      clock,
      chance,
      logger,
      outage: new Outage('the database', logger, () => ground.clock.now()),
      settings: { ...defaultSettings, ...options.settings },
      tally: this.tally,
      outside: options.outside ?? new OutsideEvents(),
      ...(options.retention && { retention: options.retention }),
      mirror: (event) => void this.mirrored.push(event),
    });
  }

  /** A process that is at work. */
  static async started(ground: Ground, ...given: Tail<ConstructorParameters<typeof Service>>): Promise<Service> {
    const service = new Service(ground, ...given);
    await service.announced();
    await service.saga.start();
    await ground.clock.advance(0);
    return service;
  }

  /** It has announced itself, and heard who is there. */
  async announced(): Promise<void> {
    const looked = this.announcer?.start(4_000);
    const heard = { yet: looked === undefined };
    looked?.then(() => (heard.yet = true)).catch(() => (heard.yet = true));
    while (!heard.yet) await this.ground.clock.advance(1);
    await looked;
  }

  /** The process is gone, with all that it had in memory. */
  kill(): void {
    this.state = 'dead';
    this.ground.transport.subscriptions.splice(0);
  }

  private alive(call: () => void): void {
    if (this.state !== 'dead') call();
  }

  /** The store as this process reaches it. */
  private reaching(store: StepStore): StepStore {
    const reached = async <T>(answer: () => Promise<T>): Promise<T> => {
      if (this.state === 'well') return answer();
      if (this.state === 'cut') throw new StoreFailure('begin', { cause: new Error('the database does not answer') });
      return new Promise<T>(() => undefined);
    };
    return {
      transaction: (keys, work) =>
        reached(() => store.transaction(keys, (transaction) => reached(() => work(transaction)))),
      claimDue: (limit, lease) => reached(() => store.claimDue(limit, lease)),
      nextDue: () => reached(() => store.nextDue()),
      find: (sagaId) => store.find(sagaId),
      savedAt: (key) => store.savedAt(key),
      timers: {
        claim: (limit, lease) => reached(() => store.timers.claim(limit, lease)),
        handBack: (timer, dueIn) => reached(() => store.timers.handBack(timer, dueIn)),
        nextDue: () => reached(() => store.timers.nextDue()),
        ofSaga: (sagaId) => store.timers.ofSaga(sagaId),
      },
      outbox: {
        sweep: (limit, age, publish) => reached(() => store.outbox.sweep(limit, age, publish)),
        delete: (ids) => reached(() => store.outbox.delete(ids)),
        backlog: () => store.outbox.backlog(),
      },
      deadLetters: {
        put: (letters) => reached(() => store.deadLetters.put(letters)),
        find: (id) => reached(() => store.deadLetters.find(id)),
        list: (filter) => reached(() => store.deadLetters.list(filter)),
        settle: (settlement) => reached(() => store.deadLetters.settle(settlement)),
        backlog: () => reached(() => store.deadLetters.backlog()),
      },
      audit: { list: (filter) => reached(() => store.audit.list(filter)) },
      retention: {
        purgeRows: (keep, limit) => reached(() => store.retention.purgeRows(keep, limit)),
        purgeLetters: (keep, limit) => reached(() => store.retention.purgeLetters(keep, limit)),
      },
    };
  }

  async row(sagaId: string, step: string): Promise<FenceRow | undefined> {
    return (await this.ground.store.find(sagaId)).find((row) => row.step === step);
  }
}

function announcing(
  of: ConstructorParameters<typeof Announcer>[0],
  { board }: Ground,
  {
    handsOver = [],
    takesOver = [],
  }: { readonly handsOver?: readonly string[]; readonly takesOver?: readonly string[] },
): Announcer {
  const { sagas } = of.steps;
  return new Announcer(of, { board, name: 'saga.announcements', program: 'a test', sagas, handsOver, takesOver });
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never;

let made = 0;

/** Ids in the order of their making, and the same chance every time. */
function counted(random: () => number): Chance {
  return {
    newId: () => `00000000-0000-7000-8000-${String((made += 1)).padStart(12, '0')}`,
    derivedId: (text) => v5(text, '6f1c3f5e-5a0c-4d0e-9d53-1f0f3f1c7a55'),
    random,
  };
}
