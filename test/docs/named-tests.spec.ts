import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './snippets.js';

interface NamedTest {
  readonly title: string;
  readonly file: string;
}

const documents = ['docs/failure-modes.md', 'docs/guarantees.md', 'docs/bad-input.md'];
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The links to specs, and to the contracts that specs run: their texts are titles. */
function testsNamedIn(document: string): readonly NamedTest[] {
  const links = textOf(document).matchAll(/\[([^\]]+)\]\(([^)]+(?:\.(?:int-)?spec|-contract-[a-z]+)\.ts)\)/g);
  return [...links].map(([, title, link]) => ({ title: title!, file: join(dirname(document), link!) }));
}

/** Whether a file has a test, a suite or a fact of a contract of that title. */
function has({ title, file }: NamedTest): boolean {
  const literal = title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const opening = /(?:\b(?:describe\w*|it|test)(?:<[^>]*>)?\(|\)\(|\btitle:)\s*/.source;
  return new RegExp(`${opening}(['"\`])${literal}\\1`).test(textOf(file));
}

test.each(documents)('%s names tests that exist, by their titles', (document) => {
  const named = testsNamedIn(document);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((one) => !has(one))).toEqual([]);
});

test.each(documents)('every row of the tables of %s names a test', (document) => {
  const rows = textOf(document)
    .match(/^\|.*\|$/gm)!
    .filter((line) => !/^\|[ -]+\|[ -]+\|/.test(line));
  const headings = rows.filter((line) => /\| (?:proven by|tests?) +\|$/.test(line));
  const without = rows.filter((line) => !headings.includes(line) && !/spec\.ts\)|-contract-[a-z]+\.ts\)/.test(line));
  expect(headings.length).toBeGreaterThan(0);
  expect(without).toEqual([]);
});
