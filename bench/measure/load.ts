import type { Ending, Program } from '../programs/program.js';

export interface Load {
  readonly ending: Ending;
  /** Sagas that are open at any time. */
  readonly concurrency: number;
  readonly sagas: number;
}

/** Runs sagas in a closed loop: as soon as one ends, the next is started. @returns each saga's time from start to end, ms */
export async function runLoad(program: Program, { ending, concurrency, sagas }: Load): Promise<readonly number[]> {
  const times: number[] = [];
  let left = sagas;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const start = performance.now();
      await program.run(ending);
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return times;
}
