import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from './account.js';
import { ServiceFailed } from './service-failed.js';
import type { ServiceHome } from './service-home.js';

const POLL_MS = 50;
const GRACE_MS = 15_000;
const LOG_TAIL = 4_000;

export interface ServiceCommand {
  /** Names the service in errors. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly account?: Account;
  readonly env?: Record<string, string>;
}

/**
 * A server in a process of its own, outside the terminal's process group: Ctrl-C reaches us first, and we end it in order.
 * It does not keep this process alive.
 */
export class ServiceProcess {
  private ended: string | undefined;
  private readonly exit: Promise<void>;
  private readonly logFile: string;
  private readonly child: ChildProcess;

  constructor(
    private readonly command: ServiceCommand,
    private readonly home: ServiceHome,
  ) {
    this.logFile = join(home.directory, `${command.name.replaceAll(' ', '-')}.log`);
    this.child = this.spawn();
    this.exit = new Promise((resolve) => {
      const end = (how: string): void => {
        this.ended ??= how;
        if (this.child.pid !== undefined) home.forget(this.child.pid);
        resolve();
      };
      this.child.once('error', (error) => end(`could not be started: ${error.message}`));
      this.child.once('exit', (code, signal) => end(`ended with ${signal ?? `code ${code}`}`));
    });
    if (this.child.pid !== undefined) home.note(this.child.pid);
    this.child.unref();
  }

  get isRunning(): boolean {
    return this.ended === undefined;
  }

  get pid(): number {
    if (this.child.pid === undefined || this.ended !== undefined) throw this.failure(this.ended ?? 'has no process');
    return this.child.pid;
  }

  /** Asks every few milliseconds until the server answers. Throws what the server wrote when it ends or takes too long. */
  async untilReady(ask: () => Promise<unknown>, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const refusal = await ask().then(() => undefined, String);
      if (this.ended !== undefined) throw this.failure(this.ended);
      if (refusal === undefined) return;
      if (performance.now() > deadline) {
        await this.end('SIGKILL');
        throw this.failure(`gave no answer within ${withinMs / 1000} s (${refusal})`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Sends the signal and waits for the end, which is forced after some seconds. Does nothing to an ended process. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.ended !== undefined) return;
    this.child.ref();
    this.child.kill(signal);
    const force = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    await this.exit;
    clearTimeout(force);
  }

  private spawn(): ChildProcess {
    const log = openSync(this.logFile, 'a');
    const { program, args, account, env } = this.command;
    const options = { ...account, env: { ...process.env, ...env }, cwd: '/', detached: true };
    try {
      return spawn(program, args, { ...options, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
  }

  private failure(what: string): ServiceFailed {
    return new ServiceFailed(this.command.name, what, readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL).trim());
  }
}
