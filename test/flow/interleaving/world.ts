import { setImmediate as turn } from 'node:timers/promises';
import { v5 } from 'uuid';
import { MemoryStore } from '../../../libs/saga/src/adapters/memory/memory-store.js';
import type { SagaGraph } from '../../../libs/saga/src/definition/index.js';
import { commitStep } from '../../../libs/saga/src/definition/nested.js';
import { childId } from '../../../libs/saga/src/flow/nested/linked-rows.js';
import type { Chance } from '../../../libs/saga/src/ports/clock.js';
import type { FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import type { WireMessage } from '../../../libs/saga/src/protocol/wire.js';
import { received } from '../stage/records.js';
import { VirtualClock } from '../stage/virtual-clock.js';
import { Behavior } from './behavior.js';
import { Family } from './family.js';
import { Gates } from './gates.js';
import { History } from './history.js';
import { Process } from './process.js';
import { Random } from '../../support/random.js';

/** A service's part of the world: what outlives its processes. */
interface Site {
  readonly name: string;
  readonly steps: readonly string[];
  readonly store: MemoryStore;
  /** The messages that its consumer group has consumed, by their place in the log. */
  readonly consumed: Set<number>;
  /** Its replicas, as they live now. */
  readonly replicas: Process[];
}

/** Databases, broker, clock and processes of one run; the seed decides everything that may happen in more than one way. */
export class World {
  readonly random: Random;
  readonly clock = new VirtualClock();
  readonly gates = new Gates();
  readonly history = new History();
  readonly behavior: Behavior;
  readonly log: WireMessage[] = [];
  readonly sites: readonly Site[];
  /** Every process that ever lived. */
  readonly lives: Process[] = [];
  readonly family: Family;
  readonly starts = new Map<string, 'open' | 'asked' | 'done'>();
  private made = 0;
  private inHand = 0;

  constructor(
    readonly saga: SagaGraph,
    seed: number,
    { sagas = 2, undoFailures = 3, unknownOutcomes = false } = {},
  ) {
    this.random = new Random(seed);
    this.family = new Family(saga);
    this.behavior = new Behavior(
      this.family,
      this.random,
      this.history,
      (owner) => this.gates.wait(owner),
      undoFailures,
      unknownOutcomes,
    );
    this.sites = this.settle(1 + this.random.below(3));
    for (let index = 1; index <= sagas; index += 1) this.starts.set(`key-${index}`, 'open');
  }

  readonly newId = (): string => `00000000-0000-7000-8000-${String((this.made += 1)).padStart(12, '0')}`;

  get chance(): Chance {
    return { newId: this.newId, derivedId: (text: string) => v5(text, v5.URL), random: this.random.next };
  }

  append(messages: readonly WireMessage[]): void {
    this.log.push(...messages);
  }

  /** Asks for a saga, as a caller does who asks again with the same key until he is answered. */
  async ask(): Promise<void> {
    const open = [...this.starts].filter(([, state]) => state === 'open').map(([key]) => key);
    if (open.length === 0) return;
    const key = this.random.pick(open);
    const { replicas } = this.sites.find(({ steps }) => steps.includes(this.saga.source))!;
    this.starts.set(key, 'asked');
    this.random
      .pick(replicas)
      .service.startSaga(this.saga, {}, { key })
      .then(
        () => this.starts.set(key, 'done'),
        () => this.starts.set(key, 'open'),
      );
    await turn();
  }

  /** Hands a few records to a service, in any order: as often as told only what it has not consumed, otherwise anything. */
  async deliver(freshShare: number): Promise<void> {
    const site = this.random.pick(this.sites);
    const size = 1 + this.random.below(3);
    const picked = new Set<number>();
    for (let index = 0; index < size; index += 1) {
      const fresh = this.random.happens(freshShare) ? this.unconsumed(site) : [...this.log.keys()];
      if (fresh.length > 0) picked.add(this.random.pick(fresh));
    }
    if (picked.size === 0) return;
    this.inHand += 1;
    this.random
      .pick(site.replicas)
      .take([...picked].map((place) => received(this.log[place]!)))
      .then(() => picked.forEach((place) => site.consumed.add(place)))
      .catch(() => undefined) // not consumed: it comes again
      .finally(() => (this.inHand -= 1));
    await turn();
  }

  /** A process dies with all that it had in memory; another takes its place. */
  async crash(): Promise<void> {
    const site = this.random.pick(this.sites);
    const dying = this.random.below(site.replicas.length);
    this.gates.kill(site.replicas[dying]!);
    site.replicas[dying] = this.life(site);
    await turn();
  }

  async letPass(): Promise<void> {
    if (this.gates.size > 0) this.gates.letPass(this.random.below(this.gates.size));
    await turn();
  }

  async abort(): Promise<void> {
    const any = this.family.members.length > 1 && this.log.length > 0 ? this.random.pick(this.log) : this.log[0];
    const { ce_sagaid: sagaId, ce_sagatype: type } = any?.headers ?? {};
    if (sagaId === undefined || type === undefined) return;
    const site = this.random.pick(this.sites);
    if (type !== this.saga.name && (await site.store.find(sagaId)).length === 0) return; // who knows nothing of a nested saga cannot say what it is part of
    this.random
      .pick(site.replicas)
      .service.publishAbort({ saga: this.family.saga(type), sagaId, reason: 'changed my mind' })
      .catch(() => undefined);
    await turn();
  }

  /** Nothing waits to be consumed, published, attempted or answered. */
  async rests(): Promise<boolean> {
    if (this.inHand > 0 || this.gates.size > 0 || [...this.starts.values()].some((state) => state !== 'done'))
      return false;
    for (const site of this.sites) {
      if (this.unconsumed(site).length > 0 || (await site.store.nextDue()) !== undefined) return false;
      if ((await site.store.outbox.backlog()).size > 0) return false;
      if (await this.asks(site)) return false;
      if ((await site.store.deadLetters.backlog()).sizes.undecided) return false;
    }
    return true;
  }

  /** The rows that a service has of all sagas, also of those inside others that nobody has heard of yet. */
  async rowsOf({ store }: Pick<Site, 'store'>): Promise<readonly FenceRow[]> {
    const heard = this.log.map(({ headers }) => headers['ce_sagaid'] ?? '');
    const inside = (ids: readonly string[]): readonly string[] =>
      ids.flatMap((id) => this.family.nested.map((step) => childId(this, id, step)));
    const ids = new Set([...heard, ...inside(heard), ...inside(inside(heard))]);
    return (await Promise.all([...ids].map((id) => store.find(id)))).flat();
  }

  /** A step of a nested saga waits for somebody's word. */
  private async asks(site: Site): Promise<boolean> {
    if (this.family.nested.length === 0) return false;
    const rows = await this.rowsOf(site);
    return rows.some(({ status, dueIn, step }) => status === 'running' && step !== commitStep && dueIn === undefined);
  }

  private unconsumed({ consumed }: Site): number[] {
    return [...this.log.keys()].filter((place) => !consumed.has(place));
  }

  /** Gives the steps to as many services. */
  private settle(count: number): readonly Site[] {
    const shares: string[][] = Array.from({ length: count }, () => []);
    for (const steps of this.family.groups) this.random.pick(shares).push(...steps);
    return shares
      .filter((steps) => steps.length > 0)
      .map((steps, index) => {
        const site = {
          name: `service-${index}`,
          steps,
          store: new MemoryStore(this.clock),
          consumed: new Set<number>(),
        };
        return { ...site, replicas: Array.from({ length: 1 + this.random.below(2) }, () => this.life(site)) };
      });
  }

  private life({ name, steps, store }: Omit<Site, 'replicas'>): Process {
    const process = new Process(this, name, steps, store);
    this.lives.push(process);
    void process.service.start();
    return process;
  }
}
