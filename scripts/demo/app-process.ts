import { createHome, type ServiceHome } from '../services/service-home.js';
import { ServiceProcess } from '../services/service-process.js';
import { onFreePorts } from '../services/free-ports.js';

export interface AppCommand {
  readonly name: string;
  /** Of Node: what to run, absolute. */
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

const readyWithinMs = 60_000;

/** One of the services in a process of its own, on a port of its own. It does not outlive this process. */
export class AppProcess {
  private constructor(
    private readonly command: AppCommand,
    private readonly home: ServiceHome,
    private readonly port: number,
    private process: ServiceProcess,
  ) {}

  /** Resolves when the service answers and hears its events. */
  static async start(command: AppCommand): Promise<AppProcess> {
    return onFreePorts(1, async ([port = 0]) => {
      const home = createHome(command.name);
      try {
        const app = new AppProcess(command, home, port, spawned(command, home, port));
        await app.untilReady();
        return app;
      } catch (error) {
        await home.remove();
        throw error;
      }
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends it as a crash does. */
  kill(): Promise<void> {
    return this.process.end('SIGKILL');
  }

  /** Stops it where it is, as a machine that stalls does, until `thaw`. */
  freeze(): void {
    process.kill(this.process.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.process.pid, 'SIGCONT');
  }

  /**
   * Ends it in order and starts it again on the same port; what `env` says differs from before. Resolves when it answers at `path`,
   * by default when it hears its events again.
   */
  async restart(env: Record<string, string> = {}, path?: string): Promise<void> {
    await this.process.end('SIGTERM');
    this.process = spawned({ ...this.command, env: { ...this.command.env, ...env } }, this.home, this.port);
    await this.untilReady(path);
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    await this.process.end('SIGTERM');
    await this.home.remove();
  }

  /** Ready is what answers, and its `/health` when it says that all works. */
  private untilReady(path = '/health'): Promise<void> {
    return this.process.untilReady(async () => {
      const response = await fetch(`${this.url}${path}`);
      const text = await response.text();
      const isUp = path !== '/health' || (JSON.parse(text) as { readonly up?: unknown }).up === true;
      if (!response.ok || !isUp) throw new Error(`${path} answers ${response.status}: ${text}`);
    }, readyWithinMs);
  }
}

function spawned({ name, args, env }: AppCommand, home: ServiceHome, port: number): ServiceProcess {
  return new ServiceProcess({ name, program: process.execPath, args, env: { ...env, PORT: String(port) } }, home);
}
