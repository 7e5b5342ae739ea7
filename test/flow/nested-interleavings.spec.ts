import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent, type SagaGraph } from '../../libs/saga/src/definition/index.js';
import { People } from './interleaving/people.js';
import { playIn, type Played } from './interleaving/play.js';
import { World } from './interleaving/world.js';

const anything = z.looseObject({});
const needed = (input: unknown): boolean => !JSON.stringify(input ?? '').includes('needsNoMore');
const named = (step: string) => (event: unknown) => (event as { branches: Record<string, string[]> }).branches[step]!;
const event = (name: string) => class extends DomainEvent(`nested.${name}`, anything) {};
const made = (name: string, specs: object, options = {}): SagaGraph => {
  const all = Object.entries(specs).map(([step, spec]: [string, object]) => [
    step,
    { ...spec, emits: event(`${name}.${step}`) },
  ]);
  return defineSaga(name, Object.fromEntries(all) as Parameters<typeof defineSaga>[1], options) as SagaGraph;
};
const inner = { commits: 'withParent' };
const result = () => ({});

const plain = made('plain', { u: { input: anything }, v: { after: 'u' } }, inner);
const wide = made(
  'wide',
  {
    u: { input: anything, awaits: 'signal', deadline: 60_000 },
    v: { after: 'u', each: named('v'), onDeadLetter: 'continue' },
    w: { after: ['u', 'v'], when: needed },
  },
  { ...inner, deadline: 180_000 },
);
const middle = made(
  'middle',
  {
    m: { input: anything },
    n: { after: 'm', saga: wide, result, when: needed },
    o: { after: 'm', each: named('o'), expires: 120_000 },
  },
  inner,
);

const sagas: Record<string, SagaGraph> = {
  'a, (u, v), P, R': made('nested-plain', {
    a: { input: anything },
    b: { after: 'a', saga: plain, result },
    P: { after: 'b', kind: 'pivot' },
    R: { after: 'P', kind: 'retriable' },
  }),
  'a; (u, v×n, w?) ‖ c×n; P': made(
    'nested-wide',
    {
      a: { input: anything },
      b: { after: 'a', saga: wide, result },
      c: { after: 'a', each: named('c') },
      P: { after: ['b', 'c'], kind: 'pivot' },
    },
    { deadline: 120_000 },
  ),
  'a; (m; (u, v×n, w?)? ‖ o×n) goes on ‖ (x, y)?; P': made('nested-deep', {
    a: { input: anything },
    b: { after: 'a', saga: middle, result, onDeadLetter: 'continue' },
    d: {
      after: 'a',
      saga: made('second', { x: { input: anything }, y: { after: 'x', onDeadLetter: 'continue' } }, inner),
      result,
      when: needed,
    },
    P: { after: ['b', 'd'], kind: 'pivot' },
  }),
};

const seeds = 20;

describe('G8 whatever operators, people, time and crashes do to sagas inside others, all settle, and end alike', () => {
  const played: Played[] = [];

  it.each(Object.entries(sagas))('%s', { timeout: 120_000 }, async (_, saga) => {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const world = new World(saga, seed, { undoFailures: 5, unknownOutcomes: seed % 2 === 0 });
      const one = await playIn(world, seed, new People(world).work);
      expect(one.messages).toBeGreaterThan(0);
      played.push(one);
    }
  });

  it('was played with sagas that were undone, and with some that were not', () => {
    expect(played.some(({ undos }) => undos > 0)).toBe(true);
    expect(played.some(({ undos }) => undos === 0)).toBe(true);
  });
});
