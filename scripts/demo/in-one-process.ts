import 'reflect-metadata';
import { ConsoleLogger, Logger, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { inMemory } from 'nest-saga';
import { AssignmentModule } from '../../apps/assignment/src/assignment.module.js';
import { NotificationModule } from '../../apps/notification/src/notification.module.js';
import { TaskModule } from '../../apps/task/src/task.module.js';
import type { Ground, Services } from './services.js';

/**
 * Errors and warnings only. Each of the three apps has a default data source of its own, in a container of its own; TypeORM's module sees
 * one process and warns of them, so that warning is left out.
 */
class DemoLogger extends ConsoleLogger {
  override warn(message: unknown, ...rest: readonly unknown[]): void {
    if (rest.at(-1) !== 'DataSourceNameRegistry') super.warn(message, ...rest);
  }
}

/** The three apps in this process; their events travel in memory. */
export async function startInOneProcess({ databases, mail }: Ground): Promise<Services> {
  Logger.overrideLogger(new DemoLogger({ logLevels: ['fatal', 'error', 'warn'] }));
  const transport = inMemory();
  const smtpUrl = `smtp://${mail.host}:${mail.port}`;
  const apps: INestApplication[] = [];
  const start = async (module: DynamicModule): Promise<INestApplication> => {
    const app = await NestFactory.create(module, { logger: Logger });
    apps.push(app);
    return app.listen(0, '127.0.0.1').then(() => app);
  };
  const { task: databaseUrl, assignment, notification } = databases;
  await start(AssignmentModule.forRoot({ service: 'assignment', transport, databaseUrl: assignment }));
  await start(NotificationModule.forRoot({ service: 'notification', transport, databaseUrl: notification, smtpUrl }));
  const task = await start(TaskModule.forRoot({ service: 'task', transport, databaseUrl, tracker: true }));
  return {
    url: await task.getUrl(),
    transport,
    topic: 'saga.task-assignment',
    stop: async () => {
      for (const app of apps.toReversed()) await app.close();
    },
  };
}
