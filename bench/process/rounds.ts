import { join } from 'node:path';
import { postgresCpu } from '../measure/postgres-cpu.js';
import type { Measurement } from '../measure/measurement.js';
import type { BenchOptions } from '../options.js';
import type { ProgramName } from '../programs/catalog.js';
import { endings, type Ending } from '../programs/program.js';
import type { ProgramProcess } from './program-process.js';

/** One measurement of one program in one of the interleaved runs. */
export interface Result extends Measurement {
  readonly program: ProgramName;
  readonly ending: Ending;
  readonly concurrency: number;
  /** Counted from 0. */
  readonly run: number;
  /** Of the database server, ms per saga; absent where it cannot be read. */
  readonly postgresCpu?: number;
}

/** Measures every program under every load, once per run, each time beginning with another program. */
export async function runRounds(
  programs: readonly ProgramProcess[],
  server: { readonly pid: number },
  options: BenchOptions,
  tell: (result: Result) => void,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let run = 0; run < options.runs; run += 1) {
    for (const ending of endings) {
      for (const concurrency of options.concurrencies) {
        for (const program of rotated(programs, run)) {
          const result = await measureOne(program, server, options, { ending, concurrency, run });
          results.push(result);
          tell(result);
        }
      }
    }
  }
  return results;
}

async function measureOne(
  program: ProgramProcess,
  { pid }: { readonly pid: number },
  { sagas: given, short, profile }: BenchOptions,
  at: Pick<Result, 'ending' | 'concurrency' | 'run'>,
): Promise<Result> {
  const { ending, concurrency, run } = at;
  const sagas = given ?? sagasFor(concurrency, short);
  const file = profile && join(profile, `${program.name}-${ending}-${concurrency}-${run}.cpuprofile`);
  const before = postgresCpu(pid);
  const measurement = await program.measure({ ending, concurrency, sagas }, file);
  const after = postgresCpu(pid);
  // the server also worked for the unmeasured tenth
  const cpu = before !== undefined && after !== undefined ? (after - before) / (sagas * 1.1) : undefined;
  return { program: program.name, ...at, ...measurement, ...(cpu !== undefined && { postgresCpu: cpu }) };
}

function sagasFor(concurrency: number, short: boolean): number {
  const full = concurrency === 1 ? 300 : concurrency < 100 ? 2_500 : 5_000;
  return short ? Math.ceil(full / 5) : full;
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const from = by % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}
