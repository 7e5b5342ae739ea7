import { expect, test } from 'vitest';
import { branchesFrom } from './branches.js';

test.each([
  '',
  'null',
  '[]',
  '"x"',
  '{"reserve":"flight"}',
  '{"reserve":[1]}',
  '{"reserve":["a b"]}',
  '{"reserve":["a","a"]}',
  '{"reserve":[null]}',
  `{"reserve":[${'"x",'.repeat(101)}"y"]}`,
  `{"reserve":["${'x'.repeat(20_000)}"]}`,
])('%j names no branches', (text) => {
  expect(branchesFrom(text)).toBeUndefined();
});

test('branches are read back as they were written', () => {
  const branches = { reserve: ['flight', 'hotel:1', '__proto__'], pay: [] };
  expect(branchesFrom(JSON.stringify(branches))).toEqual(branches);
});
