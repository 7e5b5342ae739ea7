import type { StepStore } from '../../../libs/saga/src/ports/step-store.js';
import type { Random } from '../../support/random.js';

/** The store as a process reaches it whose every step takes its own time. */
export function unsteady(store: StepStore, random: Random): StepStore {
  const pause = async (): Promise<void> => {
    for (let left = random.below(6); left > 0; left -= 1) await Promise.resolve();
  };
  const transaction: StepStore['transaction'] = async (keys, work) => {
    await pause();
    return store.transaction(keys, async (open) => {
      await pause();
      const answer = await work(open);
      await pause();
      return answer;
    });
  };
  return Object.assign(Object.create(store) as StepStore, { transaction });
}
