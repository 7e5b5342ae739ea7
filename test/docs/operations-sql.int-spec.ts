import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { migrate } from '../../libs/saga/src/adapters/typeorm/migrations.js';
import { connected } from '../stores/postgres-scene.js';
import { freshDatabase } from '../support/database.js';
import { root } from './snippets.js';

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
const statements = [...page.matchAll(/`(SELECT [^`]+)`/g)]
  .map(([, sql]) => sql!)
  .filter((sql) => !sql.startsWith('SELECT …'));

test('every statement of the page for operators runs on the tables as they are', async () => {
  const dataSource = await connected(await freshDatabase());
  try {
    await migrate(dataSource);
    for (const sql of statements)
      await expect(dataSource.query(sql.replace('…', 'gen_random_uuid()'))).resolves.toBeDefined();
    expect(statements.length).toBeGreaterThan(10);
  } finally {
    await dataSource.destroy();
  }
});
