import { startKafka } from '../../scripts/services/kafka.js';
import { startPostgres, type Postgres } from '../../scripts/services/postgres.js';
import { storeSagas } from '../counters/stored.js';
import type { BenchOptions } from '../options.js';
import type { ProgramName } from '../programs/catalog.js';
import type { Surroundings } from '../programs/program.js';
import { ProgramProcess } from './program-process.js';
import { runRounds, type Result } from './rounds.js';

/** A commit is on disk. No checkpoint falls into a run: what one costs would be charged to whoever happens to run. */
const settings = { checkpoint_timeout: '1h', max_wal_size: '8GB', shared_buffers: '512MB' };

/** Opens all programs side by side on one server, warms them up, and measures them in turn. */
export async function runSession(options: BenchOptions, tell: (result: Result) => void): Promise<readonly Result[]> {
  const postgres = await startPostgres({ durable: true, settings });
  const kafka = options.programs.includes('kafka') ? await startKafka() : undefined;
  const open: ProgramProcess[] = [];
  try {
    for (const name of options.programs) {
      const at = await surroundings(postgres, name, kafka?.brokers);
      const program = await ProgramProcess.open(name, at);
      open.push(program);
      if (name === 'stored-few') await storeSagas(at, 10_000);
      if (name === 'stored-many') await storeSagas(at, options.stored ?? 300_000);
      await program.measure({ ending: 'happy', concurrency: 32, sagas: options.short ? 300 : 2_000 });
    }
    return await runRounds(open, postgres, options, tell);
  } finally {
    for (const program of open) await program.close();
    await kafka?.stop();
    await postgres.stop();
  }
}

async function surroundings(postgres: Postgres, name: ProgramName, brokers?: readonly string[]): Promise<Surroundings> {
  const database = (service: string): Promise<string> => postgres.database(`${name}-${service}`);
  return {
    task: await database('task'),
    assignment: await database('assignment'),
    notification: await database('notification'),
    ...(brokers && { brokers }),
  };
}
