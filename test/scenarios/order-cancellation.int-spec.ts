import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../nest/scene.js';
import { until } from '../e2e/rows.js';
import { disturbances, undisturbed, type Disturbance } from './disturbances.js';
import { Ordering, Readdressing, Returning } from './ordering.saga.js';
import { CustomerDesk, Holdups, Order, PaymentSteps, ShopSteps, WarehouseSteps } from './ordering.steps.js';
import { Services } from './services.js';

const patience = { timeout: 60_000 };
/** How many customers cancel at the instant of the payment, ten at once: the first before it, the last after it. CANCELLATIONS=10000 for a long run. */
const cancellations = Math.max(10, Number(process.env['CANCELLATIONS'] ?? 30));

let holdups: Holdups;
beforeEach(() => {
  holdups = new Holdups();
});

type World = Services<'shop' | 'warehouse' | 'payments'>;

async function started(disturbance: Disturbance): Promise<World> {
  const held = { provide: Holdups, useValue: holdups };
  const saga = { settings: { lease: 2_000 } };
  const world: World = await Services.of(
    {
      shop: { entities: [Order], providers: [ShopSteps, CustomerDesk], tracks: true, saga },
      warehouse: { entities: [], providers: [WarehouseSteps, held], saga },
      payments: { entities: [], providers: [PaymentSteps, held], saga },
    },
    disturbance,
  );
  await world.start(...world.names);
  return world;
}

const orderOf = async (world: World, orderId: string): Promise<Order> =>
  (await world.query<Order>('shop', 'SELECT * FROM customer_order WHERE "orderId" = $1', [orderId]))[0]!;
const locks = (world: World): Promise<object[]> => world.query('shop', 'SELECT resource, saga_id FROM saga_lock');
const cancel = (world: World, orderId: string): Promise<string> => world.get('shop', CustomerDesk).cancel(orderId);
const placed = async (world: World, orderId: string): Promise<string> =>
  (await world.sagas.start(Ordering, { orderId })).sagaId;

/** An order whose saga goes no further than this step, and whose every service has begun with it. */
async function heldUp(world: World, step: 'reserve' | 'charge'): Promise<string> {
  holdups.at.add(step);
  const sagaId = await placed(world, 'x');
  const owner = step === 'reserve' ? 'warehouse' : 'payments';
  const waiting = `SELECT 1 FROM saga_step WHERE saga_id = $1 AND step = $2 AND status = 'running'`;
  await until(`${step} is held up`, async () => (await world.query(owner, waiting, [sagaId, step])).length > 0);
  return sagaId;
}

describe.each(disturbances)('scenario 7, an order is cancelled while it is made, $name', (disturbance) => {
  test.each([
    ['reserve', [], { place: 'compensated', charge: 'cancelled', confirm: 'cancelled' }],
    ['charge', ['x reserved', 'x released'], { place: 'compensated', reserve: 'compensated', confirm: 'cancelled' }],
  ] as const)(
    'before the pivot, held up at %s: what has not begun is cancelled, what was done is undone, the customer told',
    patience,
    async (step, journal, steps) => {
      const world = await started(disturbance);
      const sagaId = await heldUp(world, step);
      expect(await orderOf(world, 'x')).toMatchObject({ status: 'pending', sagaId });
      const [answer, again] = await Promise.all([cancel(world, 'x'), cancel(world, 'x')]);
      expect([answer, again]).toEqual(['cancelled', 'cancelled']);
      expect(await world.settled(sagaId)).toMatchObject({ status: 'aborted', debts: [] });
      await eventually(async () =>
        expect(await world.sagas.status(sagaId)).toMatchObject({ steps, inconsistencies: [] }),
      );
      expect(await orderOf(world, 'x')).toMatchObject({ status: 'cancelled' });
      expect(await world.journal()).toEqual(journal);
      expect(await locks(world)).toEqual([]);
    },
  );

  test('after the pivot: refused as too late, and a return is a saga of its own', patience, async () => {
    const world = await started(disturbance);
    const sagaId = await placed(world, 'x');
    expect(await world.settled(sagaId)).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(await cancel(world, 'x')).toBe('too late');
    const returned = await world.sagas.start(Returning, { orderId: 'x' });
    expect(await world.settled(returned.sagaId)).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(await orderOf(world, 'x')).toMatchObject({ status: 'returned' });
    expect(await world.journal()).toEqual(['x reserved', 'x charged', 'x refunded']);
    expect(await world.sagas.status(sagaId)).toMatchObject({ status: 'completed' });
    expect(await locks(world)).toEqual([]);
  });

  test(
    'a third saga that touches the row is told who holds it; when that has ended, it is let in',
    patience,
    async () => {
      const world = await started(disturbance);
      const sagaId = await heldUp(world, 'charge');
      const change = { orderId: 'x', address: 'work' };
      const refused = await world.sagas.start(Readdressing, change);
      expect(refused.step).toBe('rejected');
      const answer = await world.sagas.settled(refused.sagaId, patience);
      expect(answer).toMatchObject({
        status: 'aborted',
        history: [{ data: { failedStep: 'change', reason: `"order:x" is held by saga ${sagaId}` } }],
      });
      expect(await orderOf(world, 'x')).toMatchObject({ address: 'home', status: 'pending' });
      holdups.at.clear();
      await world.settled(sagaId);
      expect((await world.sagas.start(Readdressing, change)).step).toBe('done');
      expect(await orderOf(world, 'x')).toMatchObject({ address: 'work', status: 'confirmed' });
      expect(await locks(world)).toEqual([]);
    },
  );
});

describe('scenario 7, the customer cancels at the instant of the payment', () => {
  test(
    `exactly one of both happens, and the customer is told which (${cancellations} orders)`,
    { timeout: 60_000 + cancellations * 2_000 },
    async () => {
      const world = await started(undisturbed);
      const told: Record<string, number> = { cancelled: 0, 'too late': 0 };
      for (let from = 0; from < cancellations; from += 10) {
        holdups.at.add('charge');
        const names = Array.from({ length: Math.min(10, cancellations - from) }, (_, index) => `o${from + index}`);
        const ids = await Promise.all(names.map((name) => placed(world, name)));
        const waiting = `SELECT count(*)::integer AS count FROM saga_step WHERE step = 'charge' AND status = 'running'`;
        await until('all payments are held up', async () => {
          const [row] = await world.query<{ count: number }>('payments', waiting);
          return row!.count === names.length;
        });
        const answers = await Promise.all(
          names.map(async (name, index) => {
            await sleep(index * 4);
            if (index === 3) holdups.at.clear();
            return cancel(world, name);
          }),
        );
        const ends = await Promise.all(ids.map((sagaId) => world.settled(sagaId)));
        const journal = await world.journal();
        for (const [index, name] of names.entries()) {
          const { status } = ends[index]!;
          const answer = answers[index]!;
          told[answer] = told[answer]! + 1;
          const notes = journal.filter((note) => note.startsWith(`${name} `));
          const cancelled = answer === 'cancelled';
          expect({ status, notes, order: (await orderOf(world, name)).status }).toEqual({
            status: cancelled ? 'aborted' : 'completed',
            notes: [`${name} reserved`, cancelled ? `${name} released` : `${name} charged`],
            order: cancelled ? 'cancelled' : 'confirmed',
          });
        }
      }
      expect(Math.min(told['cancelled']!, told['too late']!)).toBeGreaterThan(0);

      expect(await locks(world)).toEqual([]);
    },
  );
});
