import { chmodSync } from 'node:fs';
import { KAFKA_VERSION } from './kafka-jars.js';
import { nodeProperties } from './kafka-node.js';
import type { ClusterPlan, KafkaNode, KafkaRunner } from './kafka-node.js';
import { finished } from './run.js';

const DATA = '/var/lib/kafka/data';

/** The Docker client alone is not enough: an engine has to answer. */
export async function whyNotDocker(): Promise<string | undefined> {
  const engine = await finished('docker', ['info', '--format', '{{.ServerVersion}}'], 10_000);
  if (!engine.ok) return `no Docker engine answers: ${engine.reason}`;
  return /^\d/.test(engine.output.trim()) ? undefined : `no Docker engine answers: ${engine.output.trim()}`;
}

function containerOf(node: KafkaNode, plan: ClusterPlan): string {
  return `nest-saga-kafka-${plan.clusterId}-${node.id}`;
}

function environment(node: KafkaNode, plan: ClusterPlan): string[] {
  const properties = Object.entries(nodeProperties(node, plan, '0.0.0.0', DATA));
  const variables = properties.map(([name, value]) => `KAFKA_${name.toUpperCase().replaceAll('.', '_')}=${value}`);
  return [`CLUSTER_ID=${plan.clusterId}`, 'KAFKA_HEAP_OPTS=-Xms128m -Xmx512m', ...variables];
}

function runArguments(node: KafkaNode, plan: ClusterPlan): string[] {
  const container = ['run', '--rm', '--name', containerOf(node, plan)];
  const data = ['--volume', `${node.data}:${DATA}`];
  const port = ['--publish', `127.0.0.1:${node.port}:${node.port}`];
  const variables = environment(node, plan).flatMap((variable) => ['--env', variable]);
  return [...container, ...data, ...port, ...variables, `apache/kafka:${KAFKA_VERSION}`];
}

/** One node in a container of the official image, which formats its storage itself. */
export function dockerRunner(): KafkaRunner {
  return {
    source: 'docker',
    readyWithinMs: 300_000, // the image may have to be pulled
    format: async (node) => chmodSync(node.data, 0o777), // the container's user is not ours
    command: (node, plan) => ({
      name: `Kafka node ${node.id} in Docker`,
      program: 'docker',
      args: runArguments(node, plan),
    }),
    async kill(node, plan, client) {
      await finished('docker', ['kill', containerOf(node, plan)]);
      await client.end('SIGTERM');
    },
  };
}
