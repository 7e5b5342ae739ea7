import { describe, expect, it } from 'vitest';
import { definitions } from '../model/definitions.js';
import { Office } from './interleaving/office.js';
import { playIn } from './interleaving/play.js';
import { World } from './interleaving/world.js';

const seeds = 20;

describe('G8 whatever operators say, whenever and to which replica, every saga settles, and every answer is in the audit', () => {
  it.each(Object.entries(definitions))('%s', { timeout: 60_000 }, async (_, saga) => {
    const told = { applied: 0, alreadyApplied: 0, refused: 0 };
    for (let seed = 1; seed <= seeds; seed += 1) {
      const world = new World(saga, seed, { undoFailures: 9 });
      const office = new Office(world);
      await playIn(world, seed, office.work);
      expect(await office.violations(), `seed ${seed}`).toEqual([]);
      for (const { verdict } of office.answers.values()) told[verdict] += 1;
    }
    expect(told.applied).toBeGreaterThan(3);
    expect(told.refused).toBeGreaterThan(3);
  });
});
