import { count } from '../../bench/counters/counters.js';
import { goalsAlone, goalsTogether, missed } from '../../bench/counters/goals.js';
import { startCountedPostgres } from '../../bench/counters/server-counters.js';
import type { Postgres } from '../../scripts/services/postgres.js';

/** The server is this spec's own: its counters see nothing else, and no noise of the machine moves them. */
describe('what a saga costs in Postgres', { timeout: 120_000 }, () => {
  let postgres: Postgres;

  beforeAll(async () => {
    postgres = await startCountedPostgres();
  });

  afterAll(async () => postgres?.stop());

  it('is three round trips and one commit per event beside the handlers own, when it is alone', async () => {
    const counters = await count(postgres, { ending: 'happy', together: 1, waves: 60 });

    expect(counters.handlerTripsPerSaga).toBe(3);
    expect(counters.libraryTripsPerEvent).toBeGreaterThan(0);
    expect(missed(goalsAlone('happy'), counters)).toEqual([]);
  });

  it('is the same per event on the way back', async () => {
    const counters = await count(postgres, { ending: 'fail', together: 1, waves: 40 });

    expect(counters.handlerTripsPerSaga).toBe(4); // the refusal writes no row
    expect(missed(goalsAlone('fail'), counters)).toEqual([]);
  });

  it('is shared by the events of a batch, when 128 sagas are on their way: few commits and round trips, 5 KB of WAL, 2 KB of tables', async () => {
    const counters = await count(postgres, { ending: 'happy', together: 128, waves: 6 });

    expect(counters.handlerTripsPerSaga).toBe(3);
    expect(missed(goalsTogether, counters)).toEqual([]);
  });

  it('is shared on the way back too', async () => {
    const counters = await count(postgres, { ending: 'fail', together: 128, waves: 4 });

    expect(counters.handlerTripsPerSaga).toBe(4);
    expect(counters.commitsPerSaga + counters.flushesPerSaga).toBeLessThanOrEqual(1);
    expect(counters.libraryTripsPerEvent).toBeLessThanOrEqual(0.5);
  });
});
