import { startPostgres } from '../../scripts/services/postgres.js';
import { endings } from '../programs/program.js';
import type { Counted } from '../report/counter-lines.js';
import { count } from './counters.js';
import { idleCost, type Idle } from './idle.js';
import { startCountedPostgres } from './server-counters.js';

/** Counts happy and failing sagas, alone and 128 at a time. */
export async function countAll(): Promise<readonly Counted[]> {
  const postgres = await startCountedPostgres();
  const counted: Counted[] = [];
  try {
    for (const ending of endings) {
      for (const together of [1, 128]) {
        const waves = together === 1 ? 60 : 10;
        counted.push({ ending, together, counters: await count(postgres, { ending, together, waves }) });
      }
    }
    return counted;
  } finally {
    await postgres.stop();
  }
}

export async function weighIdle(sagas: number): Promise<Idle> {
  const postgres = await startPostgres({ durable: false });
  try {
    return await idleCost(await postgres.database('idle'), sagas);
  } finally {
    await postgres.stop();
  }
}
