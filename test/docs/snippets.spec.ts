import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documents, region, root, snippetsOf } from './snippets.js';

describe.each(documents())('%s', (document) => {
  test('shows TypeScript only as compiled files have it', () => {
    for (const { source, code } of snippetsOf(document)) {
      expect(source, `a block without a source:\n${code}`).toBeDefined();
      expect(code).toBe(region(source!));
    }
  });

  test('links to files that exist', () => {
    const links = [...readFileSync(join(root, document), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
      ([, link]) => link!,
    );
    const broken = links.filter((link) => !existsSync(join(root, dirname(document), link)));
    expect(broken).toEqual([]);
  });
});

test('the documents show code at all', () => {
  expect(documents().flatMap(snippetsOf).length).toBeGreaterThan(5);
});
