import { kafka, type TrackedSaga } from 'nest-saga';
import { expect, test } from 'vitest';
import { readEndState } from '../../scripts/demo/end-state.js';
import { createTask, settledSaga, taskOf } from '../e2e/api.js';
import { InProcess } from '../e2e/in-process.js';
import { contradictions, until, untilSettled } from '../e2e/rows.js';
import { describeWithKafka, freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { undisturbed } from './disturbances.js';
import { Shop } from './order-fulfilment.scene.js';
import type { Carrier } from './services.js';
import { Agency } from './travel.scene.js';

const patience = { timeout: 60_000 };
const completed: Partial<TrackedSaga> = { status: 'completed', inconsistencies: [], debts: [] };
const aborted: Partial<TrackedSaga> = { ...completed, status: 'aborted' };

const overKafka = (): Carrier => ({
  transport: kafka({ brokers: kafkaBrokers(), createTopics: { partitions: 3, replicationFactor: 1 } }),
  prefix: freshTopicPrefix(),
});

describeWithKafka('over a real broker', () => {
  test('scenario 0: a task is assigned, another fails at its notification and is undone', patience, async () => {
    const world = await InProcess.start(undefined, undefined, overKafka());
    const [good, bad] = await Promise.all(['alice', 'erin'].map(async (user) => createTask(await world.url(), user)));
    await untilSettled(world.ground, 2, 40_000);
    expect(await settledSaga(await world.url(), good!.sagaId)).toMatchObject(completed);
    const saga = await settledSaga(await world.url(), bad!.sagaId);
    expect(saga).toMatchObject(aborted);
    const closing = ['notification.failed', 'user.unassigned', 'task.marked.failed'];
    expect(saga.history.map(({ type }) => type).filter((type) => closing.includes(type))).toEqual(closing);
    expect(await taskOf(await world.url(), bad!.taskId)).toMatchObject({ failedStep: 'sendNotification' });
    expect(contradictions(await readEndState(world.ground))).toEqual([]);
  });

  test('scenario 1: an order is confirmed, another refused at its shipment and undone in order', patience, async () => {
    const shop = await Shop.open(undisturbed, overKafka());
    expect(await shop.ended({ orderId: 'good' })).toMatchObject(completed);
    expect(await shop.ended({ orderId: 'bad', zip: '99501' })).toMatchObject(aborted);
    expect(await shop.state()).toEqual({
      stock: 8,
      charged: 7_997,
      orders: { good: 'confirmed', bad: 'cancelled' },
      shipments: ['good'],
    });
    const ofBad = (await shop.services.journal()).filter((entry) => entry.startsWith('bad'));
    const undone = ['bad refunded', 'bad released', 'bad cancelled'];
    expect(ofBad).toEqual(['bad placed', 'bad reserved', 'bad charged', ...undone]);
  });

  test(
    'scenario 2: a trip is confirmed; another loses its car while its hotel is being called, and the hotel service is killed',
    patience,
    async () => {
      const agency = await Agency.open(undisturbed, undefined, overKafka());
      const { services, hotels } = agency;
      expect(await agency.ended({ tripId: 'good' })).toMatchObject(completed);
      hotels.hold('Ritz');
      const sagaId = await agency.request({ tripId: 'bad', hotel: 'Ritz', car: 'none' });
      await until('the hotel is being called', async () => hotels.isCalled('Ritz'));
      await until('the join is a tombstone', async () => {
        const rows = await services.fenceRows(sagaId);
        return rows['confirmTrip'] === 'cancelled' && rows['reserveHotel'] === 'running';
      });
      await services.kill('hotels');
      hotels.letGo('Ritz');
      await services.restart('hotels');
      expect(await services.settled(sagaId)).toMatchObject(aborted);
      expect(await agency.state('bad')).toEqual({
        trip: 'failed',
        seats: 1,
        cars: 1,
        hotels: ['booked', 'cancelled'],
      });
      expect((await services.journal()).at(-1)).toBe('bad failed');
    },
  );
});
