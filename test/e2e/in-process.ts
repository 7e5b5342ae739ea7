import 'reflect-metadata';
import { Logger, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { inMemory, SagaOperator, type SagaModuleOptions } from 'nest-saga';
import { onTestFinished } from 'vitest';
import { AssignmentModule } from '../../apps/assignment/src/assignment.module.js';
import { NotificationModule } from '../../apps/notification/src/notification.module.js';
import { TaskModule } from '../../apps/task/src/task.module.js';
import type { Ground } from '../../scripts/demo/services.js';
import type { MailCatcher } from '../../scripts/services/mail.js';
import { freshGround } from './ground.js';

export type ServiceName = keyof Ground['databases'];
type Transport = SagaModuleOptions['transport'];
type Carrier = Pick<SagaModuleOptions, 'transport' | 'prefix'>;

/** The three services in this process, over one in-memory transport. Each may be started alone, stopped, and started again. */
export class InProcess {
  private readonly apps: { readonly name: ServiceName; readonly app: INestApplication }[] = [];

  private constructor(
    readonly ground: Ground,
    private readonly carrier: Carrier,
  ) {}

  static async start(
    services: readonly ServiceName[] = ['task', 'assignment', 'notification'],
    mail?: MailCatcher,
    carrier: Carrier = { transport: inMemory() },
  ): Promise<InProcess> {
    const world = new InProcess(await freshGround(mail), carrier);
    onTestFinished(async () => {
      for (const { app } of world.apps) await app.close();
      await world.ground.mail.stop();
    });
    for (const name of services) await world.start(name);
    return world;
  }

  /**
   * A service that is there already gets one more replica.
   *
   * @param through what stands between the service and the transport of all
   */
  async start(name: ServiceName, through: (transport: Transport) => Transport = (same) => same): Promise<void> {
    Logger.overrideLogger(false);
    const app = await NestFactory.create(this.module(name, through(this.transport)), { logger: false });
    this.apps.push({ name, app });
    await app.listen(0, '127.0.0.1');
  }

  get transport(): Transport {
    return this.carrier.transport;
  }

  async stop(name: ServiceName): Promise<void> {
    for (const [index, replica] of [...this.apps.entries()].toReversed()) {
      if (replica.name !== name) continue;
      await replica.app.close();
      this.apps.splice(index, 1);
    }
  }

  operator(name: ServiceName): SagaOperator {
    return this.apps.find((one) => one.name === name)!.app.get(SagaOperator);
  }

  url(name: ServiceName = 'task'): Promise<string> {
    return this.apps.find((one) => one.name === name)!.app.getUrl();
  }

  private module(service: ServiceName, transport: Transport): DynamicModule {
    const { databases, mail } = this.ground;
    const shared = { ...this.carrier, service, transport, databaseUrl: databases[service] };
    if (service === 'task') return TaskModule.forRoot({ ...shared, tracker: true });
    if (service === 'assignment') return AssignmentModule.forRoot(shared);
    return NotificationModule.forRoot({ ...shared, smtpUrl: `smtp://${mail.host}:${mail.port}` });
  }
}
