import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { guardPools } from '../../libs/saga/src/adapters/typeorm/pool-guard.js';
import { freshDatabase } from '../support/database.js';
import { connected } from './postgres-scene.js';

/** How often a connection was ready while nobody would have heard an error of it: Postgres may end it in the packet that says so, and the process would end with it. */
let unheard = 0;
const open: DataSource[] = [];
afterEach(async () => {
  unheard = 0;
  for (const dataSource of open.splice(0)) if (dataSource.isInitialized) await dataSource.destroy();
});

class Watched extends Client {
  constructor(...given: ConstructorParameters<typeof Client>) {
    super(...given);
    const ready = this.connect.bind(this) as (callback: (error: Error | null) => void) => void;
    Object.assign(this, {
      connect: (callback: (error: Error | null) => void) =>
        ready((error) => {
          callback(error);
          if (!error && this.listenerCount('error') === 0) unheard += 1;
        }),
    });
  }
}

const source = async (url: string, replicated: boolean): Promise<DataSource> => {
  const extra = { Client: Watched, max: 5 };
  const dataSource = await connected(
    url,
    replicated ? { replication: { master: { url }, slaves: [{ url }] }, extra } : { extra },
  );
  open.push(dataSource);
  return dataSource;
};

/** New connections in all pools. */
async function connect(dataSource: DataSource): Promise<number> {
  unheard = 0;
  const runners = (['master', 'master', 'slave', 'slave'] as const).map((mode) => dataSource.createQueryRunner(mode));
  await Promise.all(runners.map((runner) => runner.connect()));
  await Promise.all(runners.map((runner) => runner.release()));
  return unheard;
}

describe.each([
  ['a DataSource', false],
  ['one with replicas', true],
])('of %s', (_what, replicated) => {
  it('connections are listened to from the moment that they are ready, also when it is initialized again', async () => {
    const url = await freshDatabase();
    expect(await connect(await source(url, replicated))).toBeGreaterThan(0); // as pg and TypeORM leave it
    const dataSource = await source(url, replicated);
    guardPools(dataSource);
    expect(await connect(dataSource)).toBe(0);
    await dataSource.destroy();
    await dataSource.initialize();
    expect(await connect(dataSource)).toBe(0);
  });
});
