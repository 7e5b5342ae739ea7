import { describe, expect, test } from 'vitest';
import { until } from '../e2e/rows.js';
import { disturbances, undisturbed, type Disturbance } from './disturbances.js';
import { OutsideBookings } from './outside-bookings.js';
import { Services } from './services.js';
import { Tour } from './tour.saga.js';
import { LegSteps, TourSteps } from './tour.steps.js';

const patience = { timeout: 120_000 };
const outside = (): OutsideBookings => new OutsideBookings();

async function opened(disturbance: Disturbance, bookings: OutsideBookings) {
  const services = await Services.of(
    {
      tours: { entities: [], providers: [TourSteps], tracks: true },
      legs: {
        entities: [],
        providers: [LegSteps, { provide: OutsideBookings, useValue: bookings }],
        saga: { settings: { lease: 2_000 } },
      },
    },
    disturbance,
  );
  await services.start(...services.names);
  const request = async (names: readonly string[]): Promise<string> => {
    const legs = names.map((name) => ({ name, full: name.startsWith('full') }));
    return (await services.sagas.start(Tour, { tourId: 'x', legs })).sagaId;
  };
  return { services, request };
}

const rowsOf = (legs: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(legs).map(([leg, status]) => [`reserveLeg[${leg}]`, status]));

describe.each(disturbances)('scenario 2 with any number of legs, $name', (disturbance) => {
  test.each([1, 7])('%i legs: the join is given each by its name', patience, async (width) => {
    const bookings = outside();
    const { services, request } = await opened(disturbance, bookings);
    const names = Array.from({ length: width }, (_, n) => `leg-${n}`);
    const saga = await services.settled(await request(names));
    expect(saga).toMatchObject({ status: 'completed', inconsistencies: [], debts: [] });
    expect(new Set(Object.values(await services.fenceRows(saga.sagaId)))).toEqual(new Set(['done']));
    expect(bookings.state()).toEqual(names.map(() => 'booked'));
    expect(await services.journal()).toEqual([`confirmed ${names.join(' ')}`]);
  });

  test(
    'a leg is refused while another is being called: all else closes at once, that one when it is done, the source last',
    patience,
    async () => {
      const bookings = outside();
      bookings.hold('slow');
      const { services, request } = await opened(disturbance, bookings);
      const sagaId = await request(['slow', 'rail', 'full', 'ship']);
      // done or not yet begun when the other was refused: each closes while the slow one is being called
      const isClosed = (status?: string): boolean => status === 'compensated' || status === 'cancelled';
      await until('the slow leg is being called', async () => bookings.isCalled('slow'));
      await until('all but the slow leg is closed', async () => {
        const rows = await services.fenceRows(sagaId);
        return (
          ['reserveLeg[rail]', 'reserveLeg[ship]', 'confirmTour'].every((step) => isClosed(rows[step])) &&
          rows['reserveLeg[full]'] === 'rejected'
        );
      });
      expect(await services.fenceRows(sagaId)).toMatchObject({ 'reserveLeg[slow]': 'running', requestTour: 'done' });
      expect(await services.journal()).not.toContain('failed');

      bookings.letGo('slow');
      const saga = await services.settled(sagaId);
      expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
      expect(await services.fenceRows(sagaId)).toMatchObject({
        requestTour: 'compensated',
        ...rowsOf({ slow: 'compensated', full: 'rejected' }),
        confirmTour: 'cancelled',
      });
      expect(new Set(bookings.state())).toEqual(new Set(['cancelled']));
      const journal = await services.journal();
      expect(journal.slice(-2)).toEqual(['released slow', 'failed']);
      expect(new Set(journal).size).toBe(journal.length);
    },
  );
});

test('scenario 2 with no leg at all: the trip is confirmed', patience, async () => {
  const bookings = outside();
  const { services, request } = await opened(undisturbed, bookings);
  expect(await services.settled(await request([]))).toMatchObject({ status: 'completed', inconsistencies: [] });
  expect(bookings.calls).toEqual([]);
});
