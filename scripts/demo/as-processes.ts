import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { kafka } from 'nest-saga';
import { startKafka } from '../services/kafka.js';
import { AppProcess } from './app-process.js';
import type { Ground, Services } from './services.js';

/** Each app in a process of its own; their events travel over a real broker, under a prefix of this run. */
export async function startAsProcesses({ databases, mail }: Ground): Promise<Services> {
  const broker = await startKafka();
  const prefix = `demo-${randomUUID().slice(0, 8)}.`;
  const start = (name: keyof Ground['databases']): Promise<AppProcess> =>
    AppProcess.start({
      name,
      args: [fileURLToPath(new URL(`../../apps/${name}/src/main.js`, import.meta.url))],
      env: {
        KAFKA_BROKERS: broker.brokers.join(','),
        SAGA_PREFIX: prefix,
        DATABASE_URL: databases[name],
        SMTP_URL: `smtp://${mail.host}:${mail.port}`,
      },
    });
  const starts = await Promise.allSettled([start('task'), start('assignment'), start('notification')]);
  const apps = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(apps.map((app) => app.stop()));
    await broker.stop();
  };
  for (const one of starts) {
    if (one.status === 'fulfilled') continue;
    await stop();
    throw one.reason;
  }
  return {
    url: apps[0]!.url,
    transport: kafka({ brokers: broker.brokers, createTopics: { partitions: 6, replicationFactor: 1 } }),
    topic: `${prefix}saga.task-assignment`,
    stop,
  };
}
