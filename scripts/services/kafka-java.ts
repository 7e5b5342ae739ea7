import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaJars } from './kafka-jars.js';
import { nodeProperties } from './kafka-node.js';
import type { KafkaNode, KafkaRunner } from './kafka-node.js';
import { finished } from './run.js';
import { ServiceFailed } from './service-failed.js';

const OLDEST_JAVA = 17;
const OPTIONS = ['-Xms128m', '-Xmx512m', '-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

function java(): string {
  const home = process.env['JAVA_HOME'];
  return home ? join(home, 'bin/java') : 'java';
}

/** Says why Java cannot run the broker; undefined when it can. */
export async function whyNotJava(): Promise<string | undefined> {
  const answer = await finished(java(), ['-version']);
  if (!answer.ok) return `Java does not run: ${answer.reason}`;
  const version = Number(/version "(\d+)/.exec(answer.output)?.[1]);
  return version >= OLDEST_JAVA ? undefined : `Java is older than ${OLDEST_JAVA}: ${answer.output.trim()}`;
}

function propertiesFile(node: KafkaNode): string {
  return join(node.data, '..', `node-${node.id}.properties`);
}

/** Nodes as Java processes. The jars are fetched when they are not here yet. */
export async function javaRunner(): Promise<KafkaRunner> {
  const jars = await kafkaJars();
  const program = java();
  const classpath = ['-cp', join(jars, '*')];
  return {
    source: 'java',
    readyWithinMs: 90_000,
    async format(node, plan) {
      const properties = Object.entries(nodeProperties(node, plan, '127.0.0.1', node.data));
      writeFileSync(propertiesFile(node), properties.map(([name, value]) => `${name}=${value}\n`).join(''));
      const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...classpath, 'kafka.tools.StorageTool'];
      const format = ['format', `--cluster-id=${plan.clusterId}`, `--config=${propertiesFile(node)}`];
      const done = await finished(program, [...tool, ...format]);
      if (!done.ok) throw new ServiceFailed('Kafka', 'could not format its storage', done.reason);
    },
    command: (node) => ({
      name: `Kafka node ${node.id}`,
      program,
      args: [...OPTIONS, ...classpath, 'kafka.Kafka', propertiesFile(node)],
    }),
    kill: (_node, _plan, process) => process.end('SIGKILL'),
  };
}
