import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../scripts/services/postgres.js';

declare module 'vitest' {
  export interface ProvidedContext {
    pgUrl: string;
  }
}

/** One Postgres for all specs, each of which makes databases of its own in it. PG_URL names one that runs already. */
export default async function providePostgres(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['PG_URL'];
  if (given !== undefined && given !== '') {
    project.provide('pgUrl', given);
    return async () => undefined;
  }
  const postgres = await startPostgres({ durable: false });
  project.provide('pgUrl', postgres.url);
  return () => postgres.stop();
}
