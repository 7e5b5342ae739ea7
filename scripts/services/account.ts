import { spawnSync } from 'node:child_process';

/** Whom a server runs as; empty for the user who started this process. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** A number of `nobody`: 65534 on most systems, but not on all. Node takes it as a signed one. */
function ofNobody(which: '-u' | '-g'): number {
  const { status, stdout } = spawnSync('id', [which, 'nobody'], { encoding: 'utf8' });
  if (status === 0) return Number(stdout) | 0;
  throw new Error(
    'Postgres refuses to run as root, and there is no user "nobody" to run it as. Run this as another user.',
  );
}

/** Postgres refuses to run as root: there it runs as `nobody`. */
export function unprivilegedAccount(): Account {
  return process.getuid?.() === 0 ? { uid: ofNobody('-u'), gid: ofNobody('-g') } : {};
}

/** Tried as that account, so that every directory above counts as well. */
export function canEnter(account: Account, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', directory], { ...account, cwd: '/' }).status === 0;
}

/** Whether the program can be loaded and run by that account, with the shared libraries that it needs. */
export function canRun(account: Account, program: string): boolean {
  return spawnSync(program, ['--version'], { ...account, cwd: '/', stdio: 'ignore' }).status === 0;
}
