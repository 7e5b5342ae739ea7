import type { MemoryStore } from '../../../libs/saga/src/adapters/memory/memory-store.js';
import { Outage } from '../../../libs/saga/src/ports/outage.js';
import { BoundSteps } from '../../../libs/saga/src/flow/bound-steps.js';
import { OutsideEvents } from '../../../libs/saga/src/flow/outside-events.js';
import { defaultSettings } from '../../../libs/saga/src/flow/participant.js';
import { SagaService } from '../../../libs/saga/src/flow/service.js';
import { Tally } from '../../../libs/saga/src/flow/tally.js';
import type { NewAuditEntry } from '../../../libs/saga/src/ports/audit-log.js';
import type { StepStore, StepTransaction } from '../../../libs/saga/src/ports/step-store.js';
import type { IncomingRecord, Subscription, Transport } from '../../../libs/saga/src/ports/transport.js';
import { topicsNamed } from '../../../libs/saga/src/protocol/topics.js';
import type { Deed } from './history.js';
import type { World } from './world.js';

/** One life of a service: real flow, with a gate before and after everything that leaves the process. */
export class Process {
  readonly tally = new Tally();
  private readonly subscriptions: Subscription[] = [];
  readonly service: SagaService;

  constructor(
    private readonly world: World,
    readonly name: string,
    steps: readonly string[],
    store: MemoryStore,
  ) {
    const { clock } = world;
    const logger = { log: () => undefined, warn: () => undefined, error: () => undefined };
    this.service = new SagaService({
      service: name,
      steps: new BoundSteps(steps.map((step) => world.behavior.bound(step, this))),
      store: this.gated(store),
      transport: this.transport(),
      topics: topicsNamed('perSaga'),
      clock: { now: () => clock.now(), after: (ms, call) => clock.after(ms, () => this.alive(call)) },
      chance: world.chance,
      logger,
      outage: new Outage('the database', logger, () => clock.now()),
      settings: { ...defaultSettings, lanes: 2, batchSize: 3 },
      tally: this.tally,
      outside: new OutsideEvents(),
      mirror: () => undefined,
    });
  }

  /** Resolves when the records count as consumed. */
  async take(records: readonly IncomingRecord[]): Promise<void> {
    for (const { handle } of this.subscriptions) await handle(records);
    await this.gate();
  }

  private gate(): Promise<void> {
    return this.world.gates.wait(this);
  }

  private alive(call: () => void): void {
    if (!this.world.gates.isDead(this)) call();
  }

  private async between<T>(call: () => Promise<T>): Promise<T> {
    await this.gate();
    const answer = await call();
    await this.gate();
    return answer;
  }

  private gated(store: MemoryStore): StepStore {
    return {
      transaction: (keys, work) =>
        this.between(async () => {
          const deeds: Deed[] = [];
          const answer = await store.transaction(keys, async (transaction) => {
            await this.gate();
            const save: StepTransaction['save'] = (changes) => {
              deeds.push(...(changes.audited ?? []).flatMap(byHand));
              return transaction.save(changes);
            };
            const worked = await work({ ...transaction, save, manager: deeds });
            await this.gate();
            return worked;
          });
          for (const deed of deeds) this.keep(deed);
          return answer;
        }),
      claimDue: (limit, lease) => this.between(() => store.claimDue(limit, lease)),
      nextDue: () => store.nextDue(),
      find: (sagaId) => store.find(sagaId),
      savedAt: (key) => store.savedAt(key),
      timers: {
        claim: (limit, lease) => this.between(() => store.timers.claim(limit, lease)),
        handBack: (timer, dueIn) => this.between(() => store.timers.handBack(timer, dueIn)),
        nextDue: () => store.timers.nextDue(),
        ofSaga: (sagaId) => store.timers.ofSaga(sagaId),
      },
      outbox: {
        sweep: (limit, age, publish) => this.between(() => store.outbox.sweep(limit, age, publish)),
        delete: (ids) => this.between(() => store.outbox.delete(ids)),
        backlog: () => store.outbox.backlog(),
      },
      deadLetters: {
        put: (letters) => this.between(() => store.deadLetters.put(letters)),
        find: (id) => this.between(() => store.deadLetters.find(id)),
        list: (filter) => store.deadLetters.list(filter),
        settle: (settlement) => this.between(() => store.deadLetters.settle(settlement)),
        backlog: () => store.deadLetters.backlog(),
      },
      audit: store.audit,
      retention: store.retention,
    };
  }

  /** Outside the database nobody does twice what another has done: who is asked recognizes it, and so does a person who looks first. */
  private keep(deed: Deed): void {
    const { behavior, history } = this.world;
    if (!behavior.isOutside(deed.step)) return history.commit([deed]);
    history.outside(`${deed.sagaId}:${deed.step}${deed.kind === 'undo' ? ':undo' : ''}`, deed);
  }

  private transport(): Transport {
    return {
      publish: (messages) => this.between(async () => this.world.append(messages)),
      subscribe: async (subscription) => void this.subscriptions.push(subscription),
      drain: async () => undefined,
      close: async () => undefined,
      health: () => ({ up: true, detail: '' }),
      lifetimes: { of: async (topics) => new Map(topics.map((topic) => [topic, 0])) },
    };
  }
}

/** What an operator did by hand, or wrote off, when his word was taken. A step that is done by hand may be doomed and undone at once. */
function byHand({ verdict, verb, details, sagaId, step }: NewAuditEntry): readonly Deed[] {
  if (verdict !== 'applied' || sagaId === undefined || step === undefined) return [];
  const as = 'as' in details ? details.as : undefined;
  if (as === 'compensated' || verb === 'waive') return [{ kind: 'undo', sagaId, step }];
  return as === 'done' ? [{ kind: 'effect', sagaId, step }] : [];
}
