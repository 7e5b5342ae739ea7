import { describe, expect, it } from 'vitest';
import { Operator } from '../../libs/saga/src/flow/operate/operate.js';
import { definitions } from '../model/definitions.js';
import { playIn } from './interleaving/play.js';
import { World } from './interleaving/world.js';

const seeds = 20;

/** An operator who finds out what came of each parked step, and says so. Answers with how many there were. */
async function findOut({ sites, history, random }: World): Promise<number> {
  let found = 0;
  for (const { store, replicas } of sites) {
    for (const letter of await store.deadLetters.list({ state: 'open', kind: 'undecided', limit: 9 })) {
      const [sagaId, step] = [letter.sagaId!, letter.step!];
      const as = history.settles(`${sagaId}:${step}`) ? 'done' : 'notDone';
      const said = { actor: 'olga', reason: 'found out', ...(as === 'done' && { event: { of: step } }) };
      await new Operator(random.pick(replicas).service).resolve({ sagaId, step, as, ...said });
      found += 1;
    }
  }
  return found;
}

describe('G6 whatever is not known of work outside, whenever a process dies: no effect is doubled, none is left behind a rejection', () => {
  const parked = new Map<string, number>();

  it.each(Object.entries(definitions))('%s', { timeout: 60_000 }, async (name, saga) => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const world = new World(saga, seed, { unknownOutcomes: true });
      const played = await playIn(world, seed, async (peace) => {
        if (peace === 'peace') parked.set(name, (parked.get(name) ?? 0) + (await findOut(world)));
      });
      expect(played.messages).toBeGreaterThan(0);
    }
  });

  it('was played with steps that had to be parked', () => {
    expect([...parked.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(3);
  });
});
