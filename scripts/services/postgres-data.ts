import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { canEnter } from './account.js';
import type { Account } from './account.js';
import { ServiceFailed } from './service-failed.js';
import type { ServiceHome } from './service-home.js';

/** A directory that belongs to the server's account: the one asked for, or a temporary one. */
export function dataDirectory(wanted: string | undefined, home: ServiceHome, account: Account): string {
  if (wanted === undefined) return home.owned('data', account);
  const data = resolve(wanted);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (account.uid !== undefined && account.gid !== undefined) chownSync(data, account.uid, account.gid);
  if (canEnter(account, data)) return data;
  throw new Error(`Postgres, run as user ${account.uid}, cannot enter ${data}. Choose a directory open to it.`);
}

/** Does nothing where a Postgres has kept data before. */
export async function initializeData(initdb: string, data: string, account: Account): Promise<void> {
  if (existsSync(join(data, 'PG_VERSION'))) return;
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
  await promisify(execFile)(initdb, args, { ...account, cwd: '/' }).catch((error: Error & { stderr?: string }) => {
    throw new ServiceFailed('initdb', 'could not make the data directory', error.stderr || error.message);
  });
}
