import { setTimeout as sleep } from 'node:timers/promises';
import type { AppProcess } from '../../scripts/demo/app-process.js';
import { describeWithKafka } from '../support/kafka.js';
import { Random } from '../support/random.js';
import { CardWorld, stockAtFirst, type Ended } from './card-orders.world.js';

/** Longer than the sessions of the consumers, 6 s, and the leases of attempts, 3 s. */
const stall = 8_000;
const kinds = ['plain', 'island', 'poor'] as const;

async function stallAndDie(app: AppProcess, random: Random): Promise<void> {
  app.freeze();
  await sleep(stall);
  app.thaw();
  await sleep(random.below(3_000));
  await app.kill();
  await app.restart();
}

/** What must have been done for an order, in any order. */
function dueFor({ status, steps }: Ended): readonly string[] {
  if (status === 'completed') return ['charged', 'confirmed', 'placed', 'reserved', 'shipped'];
  const reserved = steps['reserve'] === 'compensated' ? ['released', 'reserved'] : [];
  const charged = steps['charge'] === 'compensated' ? ['charged', 'refunded'] : [];
  return ['cancelled', ...charged, 'placed', ...reserved].toSorted();
}

/** An order that can be fulfilled is, unless somebody changed his mind or its charge was voided. */
function endDue(orderId: string, isAborted: boolean, { status, steps }: Ended): string {
  if (!orderId.startsWith('plain') || steps['charge'] === 'rejected') return 'aborted';
  return isAborted ? status : 'completed';
}

describeWithKafka('orders that are charged at an unsteady gateway', () => {
  test(
    'every handler fails at first, every process stalls longer than its session and is killed: each effect and its undo happen once',
    { timeout: 300_000 },
    async () => {
      const random = new Random(20);
      const world = await CardWorld.open(random);
      world.gateway.trouble = 0.4;
      const sagaOf = new Map<string, string>();
      const aborted = new Set<string>();
      const order = async (orderId: string, callers: number): Promise<void> => {
        const started = await Promise.all(Array.from({ length: callers }, () => world.order(orderId)));
        const ids = new Set(started.map(({ sagaId }) => sagaId));
        expect([...ids]).toHaveLength(1);
        expect(started.filter(({ existing }) => !existing).length).toBeLessThanOrEqual(1);
        sagaOf.set(orderId, [...ids][0]!);
        if (!random.happens(0.2)) return;
        aborted.add(orderId);
        await sleep(random.below(1_000));
        await world.abort([...ids][0]!);
      };

      const disturbed = world.apps.map(async (app, turn) => {
        await sleep(2_500 * turn);
        await stallAndDie(app, random);
      });
      const ordered: Promise<void>[] = [];
      for (let n = 0; n < 60; n += 1) {
        ordered.push(order(`${kinds[n % 3]}-${n}`, n % 10 === 0 ? 20 : 1));
        await sleep(random.below(600));
      }
      await Promise.all([...ordered, ...disturbed]);
      await world.settled(sagaOf.size, 120_000);

      const journal = await world.journal();
      for (const [orderId, sagaId] of sagaOf) {
        const { tracked, ...ended } = await world.ended(sagaId);
        expect({ orderId, ...tracked }).toEqual({ orderId, ...ended, debts: [], inconsistencies: [] });
        const done = journal.filter((text) => text.startsWith(`${orderId} `)).map((text) => text.split(' ')[1]!);
        expect({ orderId, done: done.toSorted() }).toEqual({ orderId, done: dueFor(ended) });
        if (ended.status === 'aborted') expect({ orderId, last: done.at(-1) }).toEqual({ orderId, last: 'cancelled' });
        expect({ orderId, end: ended.status }).toEqual({ orderId, end: endDue(orderId, aborted.has(orderId), ended) });
      }
      expect(new Set(journal.map((text) => text.split(' ')[0]))).toEqual(new Set(sagaOf.keys()));
      const shipped = journal.filter((text) => text.endsWith(' shipped')).length;
      expect(await world.stock()).toBe(stockAtFirst - shipped);
    },
  );
});
