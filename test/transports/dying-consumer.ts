import { kafka } from '../../libs/saga/src/adapters/kafka/kafka-transport.js';

/** A process of its own: consumes, and dies by SIGKILL the moment its handler is done, before an offset can be committed. */
const { BROKERS = '', TOPIC = '', GROUP = '' } = process.env;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const transport = kafka({ brokers: BROKERS.split(','), sessionTimeoutMs: 1_500 })({
  service: 'dying',
  logger: { error: say, warn: say, log: say },
});
await transport.subscribe({
  group: GROUP,
  topics: [TOPIC],
  handle: async (records) => {
    for (const { value } of records) say(`handled ${value}`);
    setImmediate(() => process.kill(process.pid, 'SIGKILL'));
  },
});
