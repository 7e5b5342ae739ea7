import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onFreePorts } from '../../../scripts/services/free-ports.js';
import { createHome, type ServiceHome } from '../../../scripts/services/service-home.js';
import { ServiceProcess } from '../../../scripts/services/service-process.js';

export const services = ['task', 'assignment', 'notification'] as const;
export type ServiceName = (typeof services)[number];

export interface ReplicaCommand {
  readonly service: ServiceName;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const readyWithinMs = 90_000;
const lookEvery = 100;

/** One process of a service, which is begun again whenever it ends by itself, as an orchestrator of containers does. */
export class Replica {
  /** Ends that nobody of us asked for. */
  deaths = 0;
  private extra: () => Record<string, string> = () => ({});
  private wanted = true;
  private over = false;
  private frozen = false;
  private changing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly command: ReplicaCommand,
    readonly name: string,
    private readonly home: ServiceHome,
    private readonly port: number,
    private process: ServiceProcess,
  ) {
    void this.supervise();
  }

  static async start(command: ReplicaCommand, index: number): Promise<Replica> {
    return onFreePorts(1, async ([port = 0]) => {
      const name = `${command.service}-${index}`;
      const home = createHome(name);
      const replica = new Replica(command, name, home, port, spawned(command, name, home, port, {}));
      try {
        await replica.ready();
        return replica;
      } catch (error) {
        await replica.stop();
        throw error;
      }
    });
  }

  get service(): ServiceName {
    return this.command.service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get log(): string {
    return readFileSync(join(this.home.directory, `${this.name}.log`), 'utf8');
  }

  /** Variables of the environment from the next start on; asked anew at every start. */
  equip(extra: () => Record<string, string>): void {
    this.extra = extra;
  }

  /** Ends it with the signal and begins it again. Does not wait until it answers. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    return this.change(async () => {
      await this.end(signal);
      this.begin();
    });
  }

  /** Ends it, and leaves it so until `wake`. */
  rest(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.wanted = false;
    return this.change(() => this.end(signal));
  }

  wake(): Promise<void> {
    this.wanted = true;
    return this.change(async () => {
      if (!this.process.isRunning) this.begin();
    });
  }

  freeze(): void {
    if (!this.process.isRunning) return;
    process.kill(this.process.pid, 'SIGSTOP');
    this.frozen = true;
  }

  thaw(): void {
    if (this.frozen && this.process.isRunning) process.kill(this.process.pid, 'SIGCONT');
    this.frozen = false;
  }

  /** Has its agent write down what it holds. */
  askHolding(): void {
    if (this.process.isRunning) process.kill(this.process.pid, 'SIGWINCH');
  }

  /** Has its agent redrive the dead letters of its steps. */
  askRedrive(): void {
    if (this.process.isRunning) process.kill(this.process.pid, 'SIGURG');
  }

  /** Waits until it answers and hears its events. */
  async ready(): Promise<void> {
    const deadline = performance.now() + readyWithinMs;
    for (;;) {
      const refusal = await this.refusal();
      if (refusal === undefined) return;
      if (performance.now() > deadline)
        throw new Error(`${this.name} is not ready: ${refusal}\n${this.log.slice(-3_000)}`);
      await sleep(200);
    }
  }

  async stop(): Promise<void> {
    this.over = true;
    this.thaw();
    await this.rest('SIGTERM');
    await this.home.remove();
  }

  private async refusal(): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(5_000) });
      const text = await response.text();
      const { up } = JSON.parse(text) as { readonly up?: unknown };
      return response.ok && up === true ? undefined : `${response.status} ${text}`;
    } catch (error) {
      return String(error);
    }
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.thaw();
    await this.process.end(signal);
  }

  private begin(): void {
    this.process = spawned(this.command, this.name, this.home, this.port, this.extra());
  }

  /** One change of the process after the other. */
  private change(work: () => Promise<void>): Promise<void> {
    this.changing = this.changing.then(work);
    return this.changing;
  }

  private async supervise(): Promise<void> {
    while (!this.over) {
      await sleep(lookEvery, undefined, { ref: false });
      await this.change(async () => {
        if (!this.wanted || this.process.isRunning) return;
        this.deaths += 1;
        this.begin();
      });
    }
  }
}

function spawned(
  { args, env }: ReplicaCommand,
  name: string,
  home: ServiceHome,
  port: number,
  extra: Record<string, string>,
): ServiceProcess {
  const all = { ...env, PORT: String(port), ...extra };
  return new ServiceProcess({ name, program: process.execPath, args, env: all }, home);
}
