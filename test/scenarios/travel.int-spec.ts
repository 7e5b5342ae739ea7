import { describe, expect, test } from 'vitest';
import { holding } from '../e2e/faults.js';
import { until } from '../e2e/rows.js';
import { disturbances, undisturbed } from './disturbances.js';
import { Agency } from './travel.scene.js';

const patience = { timeout: 120_000 };
const failed = { trip: 'failed', seats: 0, cars: 0, hotels: ['cancelled'] };
const closedRows = {
  requestTrip: 'compensated',
  reserveFlight: 'compensated',
  reserveHotel: 'compensated',
  reserveCar: 'compensated',
  confirmTrip: 'cancelled',
  sendItinerary: 'cancelled',
};

const refusals = [
  { leg: 'flight', wanted: { flight: 'full' }, rows: { reserveFlight: 'rejected' } },
  { leg: 'hotel', wanted: { hotel: 'closed' }, rows: { reserveHotel: 'rejected' } },
  { leg: 'car', wanted: { car: 'none' }, rows: { reserveCar: 'rejected' } },
  { leg: 'trip', wanted: { flight: 'overpriced' }, rows: { confirmTrip: 'rejected' } },
];

/** A trip without a car, whose flight is reserved and whose hotel is being called; then the car is refused. */
async function refusedInMidCall(agency: Agency): Promise<string> {
  const { services, hotels } = agency;
  hotels.hold('Adlon');
  const sagaId = await agency.request({ car: 'none' });
  await until('the hotel is being called', async () => hotels.isCalled('Adlon'));
  await until('the flight is reserved', async () => (await services.fenceRows(sagaId))['reserveFlight'] === 'done');
  await services.start('cars');
  return sagaId;
}

describe.each(disturbances)('scenario 2, travel, $name', (disturbance) => {
  test('all is well: the join is given all legs, and the itinerary is sent', patience, async () => {
    const agency = await Agency.open(disturbance);
    const saga = await agency.ended();
    expect(saga).toMatchObject({ status: 'completed', inconsistencies: [], debts: [] });
    expect(new Set(Object.values(await agency.services.fenceRows(saga.sagaId)))).toEqual(new Set(['done']));
    expect(await agency.state()).toEqual({ trip: 'confirmed', seats: 1, cars: 1, hotels: ['booked'] });
    const journal = await agency.services.journal();
    expect(journal.slice(0, 2).toSorted()).toEqual(['x car reserved', 'x flight reserved']);
    const confirmed = `x confirmed: x-LH1, ${agency.hotels.calls[0]!.key}, x-Golf`;
    expect(journal.slice(2)).toEqual([confirmed, 'x itinerary sent']);
  });

  test('the car is refused while the hotel is being called and the flight is done', patience, async () => {
    const agency = await Agency.open(disturbance, ['trips', 'flights', 'hotels']);
    const { services, hotels } = agency;
    const sagaId = await refusedInMidCall(agency);

    const released = { reserveFlight: 'compensated', confirmTrip: 'cancelled', sendItinerary: 'cancelled' };
    await until('the flight is released, and the join a tombstone', async () => {
      const rows = await services.fenceRows(sagaId);
      return Object.entries(released).every(([step, status]) => rows[step] === status);
    });
    expect(await services.fenceRows(sagaId)).toMatchObject({ reserveHotel: 'running', requestTrip: 'done' });
    expect(await agency.state()).toEqual({ trip: 'requested', seats: 0, cars: 0, hotels: [] });

    hotels.letGo('Adlon');
    const saga = await services.settled(sagaId);
    expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    expect(await services.fenceRows(sagaId)).toEqual({ ...closedRows, reserveCar: 'rejected' });
    expect(await agency.state()).toEqual(failed);
    const journal = ['x flight reserved', 'x flight released', 'x hotel released', 'x failed'];
    expect(await services.journal()).toEqual(journal);
  });

  test.each(refusals)('the $leg is refused: what was reserved is released', patience, async ({ wanted, rows }) => {
    const agency = await Agency.open(disturbance);
    const saga = await agency.ended(wanted);
    expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
    const ends = await agency.services.fenceRows(saga.sagaId);
    // a leg that was not begun when another was refused never begins
    for (const [step, end] of Object.entries({ ...closedRows, ...rows }))
      expect(end === 'compensated' ? ['compensated', 'cancelled'] : [end]).toContain(ends[step]);
    expect(await agency.state()).toMatchObject({ trip: 'failed', seats: 0, cars: 0 });
    expect(agency.hotels.state()).not.toContain('booked');
    const journal = await agency.services.journal();
    expect(journal.at(-1)).toBe('x failed');
    for (const leg of ['flight', 'car'])
      expect(journal.includes(`x ${leg} released`)).toBe(journal.includes(`x ${leg} reserved`));
    expect(new Set(journal).size).toBe(journal.length);
  });
});

describe('scenario 2, travel, when something is very late', () => {
  test(
    'the hotel is done, and the join hears of it when the trip has failed: it stays cancelled',
    patience,
    async () => {
      const late = holding('hotel.reserved');
      const agency = await Agency.open({ name: 'a late event', through: late.through }, ['trips', 'flights', 'hotels']);
      const sagaId = await agency.request({ car: 'none' });
      await until('the hotel is done', async () => late.held.length === 1);
      await agency.services.start('cars');
      await agency.services.settled(sagaId);
      expect(await agency.state()).toEqual(failed);

      await late.letGo();
      await agency.ended({ tripId: 'next', car: 'none' });
      await agency.services.stop();
      expect(await agency.services.fenceRows(sagaId)).toEqual({ ...closedRows, reserveCar: 'rejected' });
      expect((await agency.services.journal()).filter((entry) => entry.includes('confirmed'))).toEqual([]);
      expect(await agency.state()).toEqual({ ...failed, hotels: ['cancelled', 'cancelled'] });
    },
  );

  test('every event once more, the last first, when it is over: nothing changes', patience, async () => {
    const agency = await Agency.open(undisturbed);
    const { sagaId } = await agency.ended({ flight: 'overpriced' });
    const journal = await agency.services.journal();
    await agency.services.publishAllAgain();
    await agency.ended({ tripId: 'next', flight: 'overpriced' });
    await agency.services.stop();
    expect(await agency.services.fenceRows(sagaId)).toEqual({ ...closedRows, confirmTrip: 'rejected' });
    expect((await agency.services.journal()).filter((entry) => entry.startsWith('x '))).toEqual(journal);
    expect(await agency.state()).toEqual({ ...failed, hotels: ['cancelled', 'cancelled'] });
  });

  test(
    'the hotel service is killed in mid-call, and the car is refused: one booking, which is cancelled',
    patience,
    async () => {
      const agency = await Agency.open(undisturbed, ['trips', 'flights', 'hotels']);
      const { services, hotels } = agency;
      const sagaId = await refusedInMidCall(agency);
      await services.kill('hotels');
      hotels.letGo('Adlon');
      await services.restart('hotels');
      await services.settled(sagaId);
      expect(await services.fenceRows(sagaId)).toEqual({ ...closedRows, reserveCar: 'rejected' });
      expect(await agency.state()).toEqual(failed);
      expect(hotels.calls.length).toBeGreaterThan(1);
      expect(new Set(hotels.calls.map(({ key }) => key)).size).toBe(1);
    },
  );
});
