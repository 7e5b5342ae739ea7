import { parseArgs } from 'node:util';
import { startAsProcesses } from './demo/as-processes.js';
import { startInOneProcess } from './demo/in-one-process.js';
import { LiveView } from './demo/live-view.js';
import { painter } from './demo/paint.js';
import { compare, submitAll } from './demo/play.js';
import { report } from './demo/report.js';
import { watchSagaEvents } from './demo/saga-events.js';
import type { Ground } from './demo/services.js';
import { startMailCatcher } from './services/mail.js';
import { startPostgres } from './services/postgres.js';

const USAGE = `Three services, a database each, and a file of tasks (scripts/demo/requests.json).
  npm run demo               in one process, events travel in memory
  npm run demo -- --kafka    three processes, events travel over a real broker`;

const paint = painter(process.env, process.stdout.isTTY);

/** Runs `work` with something that is stopped afterwards, however it ends. */
async function withStopped<T extends { stop(): Promise<void> }, R>(
  starting: Promise<T>,
  work: (started: T) => Promise<R>,
): Promise<R> {
  const started = await starting;
  try {
    return await work(started);
  } finally {
    await started.stop();
  }
}

/** @returns all that did not end as expected */
async function play(ground: Ground, useKafka: boolean): Promise<readonly string[]> {
  const starting = useKafka ? startAsProcesses(ground) : startInOneProcess(ground);
  return withStopped(starting, async (services) => {
    const view = new LiveView(paint, console.log);
    const stop = await watchSagaEvents(services.transport, services.topic, (event) => view.show(event));
    const submitted = await submitAll(services, (what) => console.log(paint('bold', what)));
    const { state, wrong } = await compare(ground, submitted);
    await stop();
    console.log(report(state, paint));
    return wrong;
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { kafka: { type: 'boolean', default: false }, help: { type: 'boolean' } } });
  if (values.help) return console.log(USAGE);
  console.log(
    values.kafka
      ? 'Starting Postgres, Apache Kafka and three services, a process each ...'
      : 'Starting Postgres and three services in one process ...',
  );
  const wrong = await withStopped(startPostgres({ durable: false }), (postgres) =>
    withStopped(startMailCatcher(), async (mail) => {
      const databases = {
        task: await postgres.database('task'),
        assignment: await postgres.database('assignment'),
        notification: await postgres.database('notification'),
      };
      return play({ databases, mail }, values.kafka);
    }),
  );
  if (wrong.length === 0) return console.log(`\n${paint('green', 'Every saga ended as expected.')}`);
  console.error(paint('red', `Not as expected:\n${wrong.map((one) => `  - ${one}`).join('\n')}`));
  process.exitCode = 1;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130)); // what we started ends with us

try {
  await main();
} catch (error) {
  console.error(paint('red', error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
}
