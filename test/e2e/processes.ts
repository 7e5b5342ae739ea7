import { AppProcess } from '../../scripts/demo/app-process.js';
import type { Ground } from '../../scripts/demo/services.js';
import { freshTopicPrefix, kafkaBrokers } from '../support/kafka.js';
import { bundle, type Bundle } from '../support/bundle.js';
import { freshGround } from './ground.js';
import type { ServiceName } from './in-process.js';

const services = ['task', 'assignment', 'notification'] as const;
const mains = Object.fromEntries(services.map((service) => [service, `apps/${service}/src/main.ts`]));

/** The three services as processes of their own, a database each, over the real broker, under a prefix of their own. */
export class Processes {
  readonly prefix = freshTopicPrefix();
  readonly topic = `${this.prefix}saga.task-assignment`;
  readonly apps = {} as Record<ServiceName, AppProcess>;

  private constructor(
    readonly ground: Ground,
    private readonly programs: Bundle,
  ) {}

  static async start(): Promise<Processes> {
    const world = new Processes(await freshGround(), await bundle(mains));
    try {
      await Promise.all(services.map((service) => world.begin(service)));
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** Where the task service answers. */
  get url(): string {
    return this.apps.task.url;
  }

  get urls(): Readonly<Record<ServiceName, string>> {
    const { task, assignment, notification } = this.apps;
    return { task: task.url, assignment: assignment.url, notification: notification.url };
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.apps).map((app) => app.stop()));
    await this.ground.mail.stop();
    await this.programs.remove();
  }

  private async begin(name: ServiceName): Promise<void> {
    const { databases, mail } = this.ground;
    this.apps[name] = await AppProcess.start({
      name,
      args: [this.programs.main(name)],
      env: {
        KAFKA_BROKERS: kafkaBrokers().join(','),
        SAGA_PREFIX: this.prefix,
        DATABASE_URL: databases[name],
        SMTP_URL: `smtp://${mail.host}:${mail.port}`,
      },
    });
  }
}
