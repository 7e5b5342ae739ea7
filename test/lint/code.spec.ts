import { expect, test } from 'vitest';
import { lint } from './lint.js';

const lines = (count: number, line: string) => `${line}\n`.repeat(count);
const statement = 'export const x = 1;';
const asyncWork = 'const work = () => Promise.resolve();\n';
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `export const x${n} = ${n};\n`).join('');

const found = lint({
  'libs/saga/src/flow/limit.ts': numbered(250),
  'libs/saga/src/flow/over.ts': numbered(251),
  'libs/saga/src/flow/airy.ts': `${numbered(200)}${lines(200, '')}${lines(200, '// the reason')}`,
  'libs/saga/src/flow/long-function.ts': `export function long() {\n${lines(60, '  void 0;')}}\n`,
  'libs/saga/src/flow/cycle-a.ts': `import { b } from './cycle-b.js';\nexport const a = () => b();\n`,
  'libs/saga/src/flow/cycle-b.ts': `import { a } from './cycle-a.js';\nexport const b = (): unknown => a();\n`,
  'libs/saga/src/flow/default.ts': 'export default 1;\n',
  'libs/saga/src/flow/any.ts': 'export const x: any = 1;\n',
  'vitest.config.ts': `${statement}\nexport default 1;\n`,
});

test('a file of 250 lines of code passes', () => {
  expect(found['libs/saga/src/flow/limit.ts']).toEqual([]);
});

test('a file of 251 lines of code is refused', () => {
  expect(found['libs/saga/src/flow/over.ts']).toEqual(['eslint(max-lines)']);
});

test('blank lines and comments do not count', () => {
  expect(found['libs/saga/src/flow/airy.ts']).toEqual([]);
});

test('a function of more than 60 lines is reported', () => {
  expect(found['libs/saga/src/flow/long-function.ts']).toContain('eslint(max-lines-per-function)');
});

test('two files that import each other are refused', () => {
  expect(found['libs/saga/src/flow/cycle-a.ts']).toEqual(['import(no-cycle)']);
});

test('a default export is refused, except where a tool demands it', () => {
  expect(found['libs/saga/src/flow/default.ts']).toEqual(['import(no-default-export)']);
  expect(found['vitest.config.ts']).toEqual([]);
});

test('any is refused', () => {
  expect(found['libs/saga/src/flow/any.ts']).toEqual(['typescript(no-explicit-any)']);
});

const promises = lint({
  'libs/saga/src/flow/floating.ts': `${asyncWork}export const go = () => {\n  work();\n};\n`,
  'libs/saga/src/flow/misused.ts': `${asyncWork}export const go = () => [1].forEach(async () => work());\n`,
  'libs/saga/src/flow/needless.ts': 'export const go = async () => await 1;\n',
});

test('a promise that nobody awaits is refused', () => {
  expect(promises['libs/saga/src/flow/floating.ts']).toEqual(['typescript(no-floating-promises)']);
});

test('an async function where nobody would await it is refused', () => {
  expect(promises['libs/saga/src/flow/misused.ts']).toEqual(['typescript(no-misused-promises)']);
});

test('an await of no promise is refused', () => {
  expect(promises['libs/saga/src/flow/needless.ts']).toContain('typescript(await-thenable)');
});
