import { startKafka } from './services/kafka.js';
import { startMailCatcher } from './services/mail.js';
import { startPostgres } from './services/postgres.js';
import { untilAskedToEnd } from './until-asked-to-end.js';

/** Everything that the three services need, without Docker, until Ctrl-C; all data goes with it. */
async function main(): Promise<void> {
  const [postgres, kafka, mail] = await Promise.all([startPostgres(), startKafka(), startMailCatcher()]);
  const brokers = kafka.brokers.join(',');
  console.log(
    `Postgres, Apache Kafka (${kafka.source}) and a mail catcher are up. Each service in a terminal of its own:`,
  );
  for (const service of ['task', 'assignment', 'notification']) {
    const database = await postgres.database(service);
    const smtp = service === 'notification' ? ` SMTP_URL=smtp://${mail.host}:${mail.port}` : '';
    console.log(`  DATABASE_URL=${database} KAFKA_BROKERS=${brokers}${smtp} node dist/apps/${service}/src/main.js`);
  }
  console.log('Recipients with "undeliverable" or "invalid" in their address are refused. Ctrl-C ends all of it.');
  await untilAskedToEnd();
  await Promise.all([postgres.stop(), kafka.stop(), mail.stop()]);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
