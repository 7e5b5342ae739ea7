import { describe, expect, test } from 'vitest';
import { lint } from './lint.js';

const globalRule = 'eslint(no-restricted-globals)';

/** [what the code uses, how, the rule that refuses it] */
const refused: [name: string, expression: string, rule: string][] = [
  ['Date', 'new Date()', globalRule],
  ['Date through globalThis', 'globalThis.Date.now()', globalRule],
  ['the performance clock', 'performance.now()', globalRule],
  ['setTimeout', 'setTimeout(() => undefined, 1)', globalRule],
  ['setInterval', 'setInterval(() => undefined, 1)', globalRule],
  ['setImmediate', 'setImmediate(() => undefined)', globalRule],
  ['queueMicrotask', 'queueMicrotask(() => undefined)', globalRule],
  ['crypto', 'crypto.randomUUID()', globalRule],
  ['console', "console.log('x')", globalRule],
  ['process', 'process.env.HOME', globalRule],
  ['fetch', "fetch('http://127.0.0.1')", globalRule],
  ['Buffer', "Buffer.from('x')", globalRule],
  ['Math.random', 'Math.random()', 'eslint(no-restricted-properties)'],
];

const pathIn = (room: string, index: number) => `libs/saga/src/${room}/uses-${index}.ts`;
const rooms = ['definition', 'protocol', 'nest'];
const found = lint(
  Object.fromEntries(
    rooms.flatMap((room) =>
      refused.map(([, expression], index) => [pathIn(room, index), `export const use = () => ${expression};\n`]),
    ),
  ),
);

describe.each(['definition', 'protocol'])('%s is given time, ids and chance', (room) => {
  test.each(refused.map((row, index) => [row[0], index, row[2]] as const))('it knows no %s', (_name, index, rule) => {
    expect(found[pathIn(room, index)]).toEqual([rule]);
  });
});

test('the rooms around the core may use them, but for timers', () => {
  const free = refused.flatMap(([name], index) => (name.startsWith('set') ? [] : found[pathIn('nest', index)]));
  expect(free).toEqual([]);
});
