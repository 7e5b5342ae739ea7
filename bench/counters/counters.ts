import { inMemory } from 'nest-saga';
import type { Postgres } from '../../scripts/services/postgres.js';
import { openSagas, type Handlers } from '../programs/nest-sagas.js';
import { services, type Ending, type Program } from '../programs/program.js';
import { countingTrips, type Trips } from './client-counters.js';
import { countingWork, tableBytes } from './server-counters.js';

/** The price of a saga in figures that no noise of the machine touches. */
export interface Counters {
  /** The library's round trips per event, without flushes. */
  readonly libraryTripsPerEvent: number;
  readonly handlerTripsPerSaga: number;
  /** Transactions that changed something, without flushes. */
  readonly commitsPerSaga: number;
  readonly flushesPerSaga: number;
  readonly walPerSaga: number;
  /** Of the fence rows that stay, in all three databases. */
  readonly tableBytesPerSaga: number;
}

export interface CountedLoad {
  readonly ending: Ending;
  /** Sagas that are started in the same turn; the next follow when all of them have ended. */
  readonly together: number;
  readonly waves: number;
  readonly handlers?: Handlers;
}

/** Events that a step's method or compensation handles; what the last step emits concerns nobody. */
export const eventsPerSaga: Readonly<Record<Ending, number>> = { happy: 3, fail: 5 };

let databases = 0;

/** Counts what sagas of one load cost on a server that nothing else uses. */
export async function count(postgres: Postgres, load: CountedLoad): Promise<Counters> {
  databases += 1;
  const [task, assignment, notification] = await Promise.all(
    services.map((service) => postgres.database(`counted_${databases}_${service}`)),
  );
  const at = { task: task!, assignment: assignment!, notification: notification! };
  const program = await openSagas(at, load.handlers ?? 'repository', {
    transport: inMemory({ retention: 0 }),
    settings: { sweepEvery: 3_600_000 },
  });
  try {
    const warmUp = { ...load, waves: Math.ceil(load.waves / 10) };
    await inWaves(program, warmUp);
    const counted = await counting(postgres.url, () => inWaves(program, load), load);
    const stored = load.together * (load.waves + warmUp.waves);
    return { ...counted, tableBytesPerSaga: (await tableBytes(Object.values(at))) / stored };
  } finally {
    await program.close();
  }
}

async function counting(
  url: string,
  work: () => Promise<void>,
  { ending, together, waves }: CountedLoad,
): Promise<Omit<Counters, 'tableBytesPerSaga'>> {
  const sagas = together * waves;
  let trips: Trips = { library: 0, handlers: 0, flushes: 0 };
  const { commits, wal } = await countingWork(url, async () => {
    trips = await countingTrips(work);
  });
  return {
    libraryTripsPerEvent: trips.library / sagas / eventsPerSaga[ending],
    handlerTripsPerSaga: trips.handlers / sagas,
    commitsPerSaga: (commits - trips.flushes) / sagas,
    flushesPerSaga: trips.flushes / sagas,
    walPerSaga: wal / sagas,
  };
}

async function inWaves(program: Program, { ending, together, waves }: CountedLoad): Promise<void> {
  for (let wave = 0; wave < waves; wave += 1) {
    await Promise.all(Array.from({ length: together }, () => program.run(ending)));
  }
}
