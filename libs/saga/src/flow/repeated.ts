import { FenceConflict, RowsLocked } from '../ports/step-store.js';
import type { Settled } from './delivery.js';
import type { Participant } from './participant.js';

const mostConflicts = 15;
const longestPause = 200;

/** Who meets at a row meets there again at once: from the third time on each waits for a while of its own. */
export async function repeatedOnConflict(
  { clock, chance }: Pick<Participant, 'clock' | 'chance'>,
  work: () => Promise<readonly Settled[]>,
): Promise<Settled> {
  for (let conflicts = 1; ; conflicts += 1) {
    try {
      return (await work())[0]!;
    } catch (error) {
      if (!(error instanceof FenceConflict) || error instanceof RowsLocked || conflicts === mostConflicts) throw error;
    }
    const pause = conflicts > 2 ? chance.random() * Math.min(2 ** conflicts, longestPause) : 0;
    if (pause > 0) await new Promise<void>((resolve) => clock.after(pause, resolve));
  }
}
