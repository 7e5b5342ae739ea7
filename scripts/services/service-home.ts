import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canEnter } from './account.js';
import type { Account } from './account.js';

/**
 * Waits for the end of its input, which comes when this process dies, however it dies. Then it ends the processes
 * noted in `pids` and removes the directory. After an orderly stop the directory is gone and nothing is left to do.
 */
const REAPER = `
trap '' INT TERM HUP
read -r _
cd "$1" 2>/dev/null || exit 0
noted() { for file in pids/*; do kill "$1" "\${file#pids/}" 2>/dev/null && alive=yes; done; }
noted -INT
for turn in $(seq 100); do alive=no; noted -0; [ $alive = no ] && break; sleep 0.1; done
noted -KILL
cd / && rm -rf -- "$1"
`;

/** The temporary directory of one service. It and its processes do not outlive this process, not even a SIGKILL of it. */
export interface ServiceHome {
  readonly directory: string;
  /** Makes a directory that belongs to the account, by default to us. */
  owned(name: string, account?: Account): string;
  note(pid: number): void;
  forget(pid: number): void;
  remove(): Promise<void>;
}

/** The system's temporary directory, or another where this account can go (TMPDIR may be private to its owner). */
export function temporaryDirectory(account: Account): string {
  const choices = [tmpdir(), '/tmp', '/var/tmp'];
  const found = choices.find((directory) => canEnter(account, directory));
  if (found !== undefined) return found;
  throw new Error(
    `User ${account.uid} can enter none of ${choices.join(', ')}. Set TMPDIR to a directory that it can.`,
  );
}

function startReaper(directory: string): () => void {
  const args = ['-c', REAPER, 'reaper', directory];
  const reaper = spawn('/bin/sh', args, { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
  reaper.unref();
  if (reaper.stdin instanceof Socket) reaper.stdin.unref();
  return () => reaper.stdin.end();
}

export function createHome(service: string, account: Account = {}): ServiceHome {
  const directory = mkdtempSync(join(temporaryDirectory(account), `nest-saga-${service}-`));
  chmodSync(directory, 0o755);
  mkdirSync(join(directory, 'pids'));
  const dismissReaper = startReaper(directory);
  return {
    directory,
    owned(name, { uid, gid } = {}) {
      const made = join(directory, name);
      mkdirSync(made, { mode: 0o700 });
      if (uid !== undefined && gid !== undefined) chownSync(made, uid, gid);
      return made;
    },
    note: (pid) => writeFileSync(join(directory, 'pids', String(pid)), ''),
    forget: (pid) => rmSync(join(directory, 'pids', String(pid)), { force: true }),
    async remove() {
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
      dismissReaper();
    },
  };
}
