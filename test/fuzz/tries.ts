import type { Parameters } from 'fast-check';

const times = Number(process.env['FUZZ_TIMES'] ?? 1);
const seed = process.env['FUZZ_SEED'];

/**
 * How often a property is tried: as often as said here in an ordinary run, `FUZZ_TIMES` times as often in a long one (`npm run fuzz`). Chance
 * differs from run to run; a failure prints its seed, which `FUZZ_SEED` takes.
 */
export function tries(runs: number): Pick<Parameters<never>, 'numRuns' | 'seed'> {
  return { numRuns: runs * times, ...(seed !== undefined && { seed: Number(seed) }) };
}

/** A bound on waiting: a property that hangs fails. */
export const patience = 30_000 * Math.max(times, 1);
