import { spawnSync } from 'node:child_process';

/** Whom a server runs as; empty for the user who started this process. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

const NOBODY = 65_534;

/** Postgres refuses to run as root: there it runs as `nobody`, which needs no entry in the user database. */
export function unprivilegedAccount(): Account {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

/** Tried as that account, so that every directory above counts as well. */
export function canEnter(account: Account, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', directory], { ...account, cwd: '/' }).status === 0;
}

/** Whether the program can be loaded and run by that account, with the shared libraries that it needs. */
export function canRun(account: Account, program: string): boolean {
  return spawnSync(program, ['--version'], { ...account, cwd: '/', stdio: 'ignore' }).status === 0;
}
