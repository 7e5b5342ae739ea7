import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startPostgres } from '../../scripts/services/postgres.js';
import type { Postgres, PostgresOptions } from '../../scripts/services/postgres.js';
import { isRunning, userOf } from './processes.js';

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function setting(postgres: Postgres, name: string): Promise<unknown> {
  const [row] = await rows(postgres.url, `SELECT current_setting('${name}') AS value`);
  return (row as { value: unknown }).value;
}

const started: Postgres[] = [];

async function start(options: PostgresOptions = { durable: false }): Promise<Postgres> {
  const postgres = await startPostgres(options);
  started.push(postgres);
  return postgres;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((postgres) => postgres.stop()));
});

describe('startPostgres', () => {
  it('makes a database of a name once', async () => {
    const postgres = await start();
    const url = await postgres.database('task "one"');
    await rows(url, 'CREATE TABLE task (id int)');

    expect(await postgres.database('task "one"')).toBe(url);
    expect(await rows(url, 'SELECT * FROM task')).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('runs the server as another user than root', async () => {
    const postgres = await start();

    expect(userOf(postgres.pid)).not.toBe(0);
  });

  it('keeps its promise of durability unless told otherwise', async () => {
    const durable = await start({ settings: { work_mem: '7MB' } });
    const fast = await start({ durable: false });

    expect(await setting(durable, 'fsync')).toBe('on');
    expect(await setting(durable, 'synchronous_commit')).toBe('on');
    expect(await setting(durable, 'work_mem')).toBe('7MB');
    expect(await setting(fast, 'fsync')).toBe('off');
  });

  it('starts twice at once on two ports', async () => {
    const [one, other] = await Promise.all([start(), start()]);

    expect(one.url).not.toBe(other.url);
    expect(await rows(one.url, 'SELECT 1 AS answer')).toEqual([{ answer: 1 }]);
    expect(await rows(other.url, 'SELECT 1 AS answer')).toEqual([{ answer: 1 }]);
  });

  it('keeps what was committed before a kill and answers at the same URL after a restart', async () => {
    const postgres = await start({ durable: true });
    await rows(postgres.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const { pid } = postgres;

    await postgres.kill();
    expect(isRunning(pid)).toBe(false);
    await expect(rows(postgres.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    await postgres.restart();

    expect(postgres.pid).not.toBe(pid);
    expect(await rows(postgres.url, 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('leaves neither process nor directory after a stop, and stops twice without complaint', async () => {
    const postgres = await start();
    const { pid } = postgres;
    const data = String(await setting(postgres, 'data_directory'));
    expect(existsSync(join(data, '..'))).toBe(true);

    await postgres.stop();
    await postgres.stop();

    expect(isRunning(pid)).toBe(false);
    expect(existsSync(join(data, '..'))).toBe(false);
  });

  describe('with a directory', () => {
    let parent: string;

    beforeEach(() => {
      parent = mkdtempSync(join(tmpdir(), 'kept-'));
    });

    afterEach(() => rmSync(parent, { recursive: true }));

    it('keeps the data there beyond a stop', async () => {
      chmodSync(parent, 0o755);
      const options = { durable: false, directory: join(parent, 'data') };
      const first = await start(options);
      await rows(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      await first.stop();

      const second = await start(options);

      expect(await rows(second.url, 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
    });

    it.runIf(process.getuid?.() === 0)('says so when the server cannot enter it', async () => {
      await expect(start({ directory: join(parent, 'data') })).rejects.toThrow(/cannot enter .*Choose a directory/);
    });
  });

  it('tells what the server wrote when it does not start', async () => {
    await expect(startPostgres({ settings: { shared_buffers: 'much' } })).rejects.toMatchObject({
      name: 'ServiceFailed',
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
  });
});
