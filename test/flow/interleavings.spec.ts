import { describe, expect, it } from 'vitest';
import { definitions, fanOuts } from '../model/definitions.js';
import { play, type Played } from './interleaving/play.js';

const seeds = 50;

describe('G8 whatever the order of deliveries, duplicates, crashes and aborts, every saga settles', () => {
  it.each([
    ...Object.entries(definitions),
    ...Object.entries(fanOuts).map(([name, { saga }]) => [name, saga] as const),
  ])('%s', { timeout: 60_000 }, async (_, saga) => {
    const played: Played[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) played.push(await play(saga, seed));
    expect(played.some(({ undos }) => undos > 0)).toBe(true);
    expect(played.some(({ undos }) => undos === 0)).toBe(true);
    expect(played.some(({ crashes }) => crashes > 2)).toBe(true);
  });
});
