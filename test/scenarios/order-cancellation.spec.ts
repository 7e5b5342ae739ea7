import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../libs/saga/src/adapters/memory/memory-store.js';
import type { BoundStep, StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { abortOutcomeOf, type AbortOutcome } from '../../libs/saga/src/nest/abort-outcome.js';
import { decode } from '../../libs/saga/src/protocol/cloud-event.js';
import type { Envelope } from '../../libs/saga/src/protocol/envelope.js';
import { foldSaga } from '../../libs/saga/src/protocol/saga-state.js';
import { isClosed } from '../../libs/saga/src/protocol/step-state.js';
import type { TrackedSaga } from '../../libs/saga/src/tracker/saga-tracker.js';
import { write } from '../flow/stage/charging.js';
import { EffectStore } from '../flow/stage/effect-store.js';
import { received } from '../flow/stage/records.js';
import { bind, Ground, Service } from '../flow/stage/service.js';
import { unsteady } from '../flow/stage/unsteady.js';
import { Random, shuffled } from '../support/random.js';
import {
  OrderCancelled,
  OrderConfirmed,
  Ordering,
  OrderPlaced,
  PaymentCharged,
  StockReleased,
  StockReserved,
} from './ordering.saga.js';

/** How often an order is made and cancelled, each time in another order of all that happens; CANCELLATIONS=10000 for a long run. */
const cancellations = Number(process.env['CANCELLATIONS'] ?? 400);

const it = { orderId: 'x' };
const shop = [
  bind(Ordering, 'place', noting('placed', new OrderPlaced(it)), {
    undo: noting('cancelled', new OrderCancelled({ ...it, reason: 'the customer cancels' })),
  }),
  bind(Ordering, 'confirm', noting('confirmed', new OrderConfirmed(it))),
];
const warehouse = [
  bind(Ordering, 'reserve', noting('reserved', new StockReserved(it)), {
    undo: noting('released', new StockReleased(it)),
  }),
];
const payments = [bind(Ordering, 'charge', noting('charged', new PaymentCharged(it)))];

function noting(effect: string, event: object): (input: never, saga: StepContext) => object {
  return (_input, saga) => {
    write(saga, effect);
    return event;
  };
}

interface Ended {
  /** What the customer was told, as soon as anything could be, and whatever else would have been told later. */
  readonly told: readonly AbortOutcome[];
  readonly rows: readonly string[];
  readonly effects: readonly string[];
}

/** What the tracker would answer at each of its events, which come to it in an order of their own. */
function tellings(events: readonly Envelope[]): readonly AbortOutcome[] {
  const answers = events.flatMap((_, index) => {
    const tracked = { saga: Ordering.name, version: 1, ...foldSaga(Ordering, events.slice(0, index + 1)) };
    return abortOutcomeOf([Ordering], tracked as TrackedSaga) ?? [];
  });
  return [...new Set(answers)];
}

class Ordered {
  private readonly ground = new Ground();
  private readonly stores: EffectStore[] = [];
  private readonly services: Service[] = [];
  private readonly unread: number[][] = [];
  private known = 0;

  constructor(private readonly random: Random) {}

  /** One order: every record is read once or twice by each service, in an order of its own, and the customer cancels at some moment. */
  async cancelledAtSomeMoment(): Promise<Ended> {
    const { ground, random } = this;
    for (const steps of [shop, warehouse, payments]) await this.startService(steps);
    const { saga } = this.services[0]!;
    const { sagaId } = await saga.startSaga(Ordering, it);
    const cancelAfter = random.below(9);
    for (let round = 0, quiet = 0; quiet < 3; round += 1) {
      if (round === cancelAfter) await saga.publishAbort({ saga: Ordering, sagaId, reason: 'the customer cancels' });
      await ground.clock.advance(1);
      this.learn();
      const isQuiet = round > cancelAfter && this.unread.every(({ length }) => length === 0);
      quiet = isQuiet ? quiet + 1 : 0;
      await this.readSome();
    }
    return this.ended(sagaId);
  }

  private async startService(steps: readonly BoundStep[]): Promise<void> {
    const store = new EffectStore(new MemoryStore(this.ground.clock));
    const name = `service-${this.stores.length}`;
    this.stores.push(store);
    this.services.push(await Service.started(this.ground, steps, { name, store: unsteady(store, this.random) }));
    this.unread.push([]);
  }

  private learn(): void {
    for (; this.known < this.ground.transport.published.length; this.known += 1) {
      for (const places of this.unread) {
        places.push(this.known);
        if (this.random.happens(0.3)) places.push(this.known);
      }
    }
  }

  /** Half of what waits, at once. */
  private async readSome(): Promise<void> {
    const { random, ground } = this;
    const handed = this.unread.flatMap((places, group) => {
      const now = places.filter(() => random.happens(0.5));
      for (const place of now) places.splice(places.indexOf(place), 1);
      return now.map((place) => ({ place, group }));
    });
    const { published, subscriptions } = ground.transport;
    const reads = shuffled(handed, random).map(({ place, group }) =>
      subscriptions[group]!.handle([received(published[place]!)]),
    );
    await Promise.all(reads);
  }

  private async ended(sagaId: string): Promise<Ended> {
    const rows = (await Promise.all(this.stores.map((store) => store.find(sagaId)))).flat();
    const ends = new Set(rows.map(({ status }) => (isClosed(status) ? 'closed' : status)));
    if (rows.length < 4 && !ends.has('closed')) ends.add('running');
    return {
      told: tellings(shuffled(this.ground.transport.published.map(decode), this.random)),
      rows: [...ends],
      effects: this.stores.flatMap(({ effects }) => effects).toSorted(),
    };
  }
}

const undone = [
  ['cancelled', 'placed'],
  ['cancelled', 'placed', 'released', 'reserved'],
];

describe('an order that is cancelled at any instant', () => {
  test(
    `is made or undone as a whole, and the customer is told which, once and for good (${cancellations} seeds)`,
    { timeout: 60_000 + cancellations * 100 },
    async () => {
      const ends: Record<string, number> = {};
      for (let seed = 1; seed <= cancellations; seed += 1) {
        const ended = await new Ordered(new Random(seed)).cancelledAtSomeMoment();
        const isMade = ended.rows[0] === 'done';
        expect({ seed, ...ended }).toEqual({
          seed,
          told: [isMade ? 'committed' : 'closing'],
          rows: [isMade ? 'done' : 'closed'],
          effects: isMade
            ? ['charged', 'confirmed', 'placed', 'reserved']
            : undone.find(({ length }) => length === ended.effects.length),
        });
        const end = isMade ? 'made' : `undone with ${ended.effects.length} effects`;
        ends[end] = (ends[end] ?? 0) + 1;
      }
      expect(Object.keys(ends).toSorted()).toEqual(['made', 'undone with 2 effects', 'undone with 4 effects']);
      expect(Math.min(...Object.values(ends))).toBeGreaterThan(cancellations / 20);
    },
  );
});
