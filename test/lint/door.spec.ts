import { expect, test } from 'vitest';
import { lint } from './lint.js';

const rule = 'eslint(no-restricted-properties)';

/** Ways to Postgres beside the door. */
const ways = [
  'dataSource.createQueryRunner()',
  'dataSource.createEntityManager()',
  "dataSource.createQueryBuilder('x', 'x')",
  "dataSource.getRepository('x')",
  "dataSource.manager.getRepository('x')",
  'dataSource.driver.obtainMasterConnection()',
];
const source = (way: string): string =>
  `import type { DataSource } from 'typeorm';\nexport const use = (dataSource: DataSource) => ${way};\n`;
const beside = (folder: string, index: number): string => `libs/saga/src/${folder}/beside-${index}.ts`;
const door = 'libs/saga/src/adapters/typeorm/door.ts';
const folders = ['adapters/typeorm', 'nest', 'tracker'];

const found = lint({
  ...Object.fromEntries(folders.flatMap((folder) => ways.map((way, index) => [beside(folder, index), source(way)]))),
  [door]: source(ways[0]!),
  'apps/task/src/task.service.ts': source(ways[0]!),
});

test.each(folders.flatMap((folder) => ways.map((way, index) => [way, folder, index] as const)))(
  'Postgres is not reached by %s in %s',
  (_way, folder, index) => {
    expect(found[beside(folder, index)]).toContain(rule);
  },
);

test('but in the door, and in applications', () => {
  expect(found[door]).not.toContain(rule);
  expect(found['apps/task/src/task.service.ts']).not.toContain(rule);
});
