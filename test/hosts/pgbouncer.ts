import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { unprivilegedAccount } from '../../scripts/services/account.js';
import { onFreePorts } from '../../scripts/services/free-ports.js';
import { createHome } from '../../scripts/services/service-home.js';
import { ServiceProcess } from '../../scripts/services/service-process.js';
import { query } from '../e2e/rows.js';

/** Where it is installed; Debian keeps it where only root looks. */
const program = ['pgbouncer', '/usr/sbin/pgbouncer'].find((path) => spawnSync(path, ['--version']).status === 0);

export const hasPgBouncer = program !== undefined;

/** A pooler in transaction mode before a database: two connections for everybody. */
export function pooled(databaseUrl: string): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const account = unprivilegedAccount();
  const home = createHome('pgbouncer', account);
  const users = join(home.directory, 'users.txt');
  writeFileSync(users, `"${username}" "${password}"\n`);
  return onFreePorts(1, async ([own = 0]) => {
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: own,
      unix_socket_dir: '',
      auth_type: 'any',
      auth_file: users,
      pool_mode: 'transaction',
      default_pool_size: 2,
    };
    const secret = password === '' ? '' : ` password=${password}`;
    const target = `host=${hostname} port=${port} user=${username}${secret}`;
    const lines = [
      '[databases]',
      `* = ${target}`,
      '[pgbouncer]',
      ...Object.entries(settings).map((pair) => pair.join(' = ')),
    ];
    const config = join(home.directory, 'pgbouncer.ini');
    writeFileSync(config, lines.join('\n'));
    const pooler = new ServiceProcess({ name: 'pgbouncer', program: program!, args: [config], account }, home);
    const url = `postgres://${username}@127.0.0.1:${own}${pathname}`;
    await pooler.untilReady(() => query(url, 'SELECT 1'), 10_000);
    onTestFinished(async () => {
      await pooler.end('SIGTERM');
      await home.remove();
    });
    return url;
  });
}
