import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { AppProcess } from '../../scripts/demo/app-process.js';
import { query, until } from '../e2e/rows.js';
import { bundle, type Bundle } from '../support/bundle.js';
import { freshDatabase } from '../support/database.js';
import { freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { readOnly, tenants } from './databases.js';
import { hasPgBouncer, pooled } from './pgbouncer.js';

const names = [
  'plain',
  'http-globals',
  'custom-repositories',
  'cls-transactional',
  'typeorm-transactional',
  'schema',
  'replication',
  'row-level-security',
  'hybrid',
  'pino',
  'otel',
] as const;

if (!hasPgBouncer) console.warn('PgBouncer is not installed: the host behind it is not run.');

let programs: Bundle;
beforeAll(async () => {
  programs = await bundle(Object.fromEntries(names.map((name) => [name, `test/hosts/programs/${name}.ts`])));
});
afterAll(() => programs.remove());

interface Host {
  readonly app: AppProcess;
  readonly url: string;
}

async function host(
  name: (typeof names)[number],
  env: (databaseUrl: string) => Promise<Record<string, string>> = async () => ({}),
  args: readonly string[] = [],
): Promise<Host> {
  const url = await freshDatabase();
  const differs = await env(url);
  const command = { name, args: [...args, programs.main(name)], env: { DATABASE_URL: url, ...differs } };
  const app = await AppProcess.start(command);
  onTestFinished(() => app.stop());
  return { app, url };
}

async function post(app: AppProcess, path: string, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer host' };
  const response = await fetch(`${app.url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Ten sagas at once, so that batches form: half of them complete, half are closed backwards. */
async function trade(app: AppProcess): Promise<readonly unknown[]> {
  const ids = Array.from(
    { length: 10 },
    (_, n) => `${n % 2 === 0 ? 'good' : 'bad'}-${n}/${n % 3 === 0 ? 'acme' : 'globex'}`,
  );
  return Promise.all(ids.map((id) => post(app, 'orders', { id, tenant: id.split('/')[1]! })));
}

const completed = { status: 'completed', steps: { place: 'done', charge: 'done', ship: 'done' } };
const aborted = { status: 'aborted', steps: { place: 'compensated', charge: 'compensated', ship: 'rejected' } };
const ends = Array.from({ length: 5 }, () => [completed, aborted]).flat();

const expected = Array.from({ length: 10 }, (_, n) => ({
  id: `${n % 2 === 0 ? 'good' : 'bad'}-${n}/${n % 3 === 0 ? 'acme' : 'globex'}`,
  tenant: n % 3 === 0 ? 'acme' : 'globex',
  state: n % 2 === 0 ? 'placed' : 'cancelled',
}));
const charged = expected.filter(({ state }) => state === 'placed').map(({ id }) => ({ order: id }));

async function rowsAreRight(
  url: string,
  { orders = 'orders', charges = 'charges', order = '"orderId"' } = {},
): Promise<void> {
  const sort = <T extends object>(rows: readonly T[]): readonly string[] =>
    rows.map((row) => JSON.stringify(row)).toSorted();
  expect(sort(await query(url, `SELECT id, tenant, state FROM ${orders}`))).toEqual(sort(expected));
  expect(sort(await query(url, `SELECT ${order} AS order FROM ${charges}`))).toEqual(sort(charged));
}

describe('a saga in an application with', () => {
  test('a global validation pipe, serializer, wrapper, guard and filter', async () => {
    const { app, url } = await host('http-globals');
    expect(await trade(app)).toEqual(ends.map((data) => ({ data })));
    await rowsAreRight(url);
    const refused = await fetch(`${app.url}/orders`, { method: 'POST' });
    expect(refused.status).toBe(401); // the guard is still there, for HTTP
  });

  test('custom repositories, active records and extended ones', async () => {
    const { app, url } = await host('custom-repositories');
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test('nestjs-cls and its transactional plugin', async () => {
    const { app, url } = await host('cls-transactional');
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test.each(['ASYNC_LOCAL_STORAGE', 'CLS_HOOKED'])('typeorm-transactional on %s', async (storage) => {
    const { app, url } = await host('typeorm-transactional', async () => ({ STORAGE: storage }));
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test('a schema of its own, a prefix and a naming strategy', async () => {
    const { app, url } = await host('schema');
    expect(await trade(app)).toEqual(ends);
    const [orders, charges] = ['"Shop Data".app_orders', '"Shop Data".app_charges'];
    await rowsAreRight(url, { orders, charges, order: 'order_id' });
    const [tables] = await query<{ count: string }>(url, `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`);
    expect(tables).toEqual({ count: '0' });
  });

  test('a read replica', async () => {
    const { app, url } = await host('replication', async (database) => ({ REPLICA_URL: readOnly(database) }));
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test('row-level security per tenant', async () => {
    const { app, url } = await host('row-level-security', async (database) => ({
      DATABASE_URL: await tenants(database),
    }));
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test("Nest's own Kafka transport and a consumer of its own", async () => {
    const { app, url } = await host('hybrid', async () => ({
      KAFKA_BROKERS: kafkaBrokers().join(','),
      PREFIX: freshTopicPrefix(),
    }));
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
    expect(await post(app, 'talk', {})).toEqual({ answer: 'ASKED' });
    const heard = (): Promise<object[]> => query(url, 'SELECT text FROM heard ORDER BY 1');
    await until('what the application hears', async () => (await heard()).length === 2, 30_000);
    expect(await heard()).toEqual([{ text: 'read' }, { text: 'told' }]);
  });

  test('OpenTelemetry, loaded before it', async () => {
    const { app, url } = await host('plain', async () => ({}), ['--import', programs.main('otel')]);
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test.skipIf(!hasPgBouncer)('PgBouncer in transaction mode before its database', async () => {
    const { app, url } = await host('plain', async (database) => ({ DATABASE_URL: await pooled(database) }));
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });

  test('pino', async () => {
    const { app, url } = await host('pino');
    expect(await trade(app)).toEqual(ends);
    await rowsAreRight(url);
  });
});
