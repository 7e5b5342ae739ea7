import { parseArgs } from 'node:util';
import { startOwnKafka } from './services/kafka.js';
import { untilAskedToEnd } from './until-asked-to-end.js';

const USAGE = `Runs Apache Kafka on this machine until Ctrl-C; its records go with it.
  npm run kafka [-- --port 9092] [--nodes 1]`;

function numberOf(text: string, option: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${option} ${text}: a whole number above 0 is needed.\n${USAGE}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '9092' },
      nodes: { type: 'string', default: '1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const kafka = await startOwnKafka({ port: numberOf(values.port, 'port'), nodes: numberOf(values.nodes, 'nodes') });
  const brokers = kafka.brokers.join(',');
  console.log(`Apache Kafka (${kafka.source}) answers at ${brokers}. In another terminal:`);
  console.log(
    `  KAFKA_BROKERS=${brokers} npm test\n  KAFKA_BROKERS=${brokers} npm run demo -- --kafka\nCtrl-C ends it.`,
  );
  await untilAskedToEnd();
  console.log('Ending Apache Kafka ...');
  await kafka.stop();
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
