import type { Program } from '../programs/program.js';
import { latencyOf, type Latency } from './latency.js';
import { runLoad, type Load } from './load.js';

/** What one load on one program came to. */
export interface Measurement {
  readonly sagasPerSecond: number;
  readonly latency: Latency;
  /** Of the program's process (the three services and the load), ms per saga. */
  readonly cpu: number;
  /** Of the program's process after the load, MB. */
  readonly memory: { readonly rss: number; readonly heap: number };
}

/** Runs a tenth of the load unmeasured, then the load. */
export async function measure(program: Program, load: Load): Promise<Measurement> {
  await runLoad(program, { ...load, sagas: Math.ceil(load.sagas / 10) });
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const times = await runLoad(program, load);
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const { rss, heapUsed } = process.memoryUsage();
  return {
    sagasPerSecond: load.sagas / seconds,
    latency: latencyOf(times),
    cpu: (user + system) / 1_000 / load.sagas,
    memory: { rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20 },
  };
}
