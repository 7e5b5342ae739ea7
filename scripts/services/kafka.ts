import { randomBytes } from 'node:crypto';
import { assertFree, onFreePorts } from './free-ports.js';
import { KafkaCluster, describeCluster } from './kafka-cluster.js';
import { dockerRunner, whyNotDocker } from './kafka-docker.js';
import { javaRunner, whyNotJava } from './kafka-java.js';
import type { KafkaNode, KafkaRunner } from './kafka-node.js';
import { NoBroker } from './no-broker.js';
import { createHome } from './service-home.js';
import type { ServiceHome } from './service-home.js';

export interface KafkaOptions {
  /** Brokers, each its own process; default 1. More than one needs Java. */
  readonly nodes?: number;
  /** Of the first broker, the others follow it; default: free ports. */
  readonly port?: number;
  /** Broker settings by their names in server.properties. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A real Apache Kafka on 127.0.0.1. One that we started ends with this process, however that ends. */
export interface Kafka {
  readonly brokers: string[];
  /** `given` by KAFKA_BROKERS, or started by us. */
  readonly source: 'given' | 'docker' | 'java';
  /** Of the processes that we started. */
  readonly pids: number[];
  /** Ends all nodes, or one (counted from 1), as a crash does. The records stay for `restart`. */
  kill(node?: number): Promise<void>;
  /** Starts all nodes, or one, again on the same ports with the same records, ended or not. */
  restart(node?: number): Promise<void>;
  /** Ends what we started and removes its records. May be called twice. */
  stop(): Promise<void>;
}

async function notOurs(): Promise<never> {
  throw new Error('The broker of KAFKA_BROKERS is not ours to kill or restart. Unset it to have one that is.');
}

async function givenKafka(brokers: string[]): Promise<Kafka> {
  await describeCluster(brokers).catch((error: Error) => {
    throw new NoBroker([`KAFKA_BROKERS is ${brokers.join(',')}, which does not answer: ${error.message}`]);
  });
  return { brokers, source: 'given', pids: [], kill: notOurs, restart: notOurs, stop: async () => undefined };
}

async function chooseRunner(nodes: number): Promise<KafkaRunner> {
  const noDocker = nodes === 1 ? await whyNotDocker() : 'Docker is used for one node only';
  if (noDocker === undefined) return dockerRunner();
  const noJava = await whyNotJava();
  if (noJava === undefined) return javaRunner();
  throw new NoBroker([noDocker, noJava]);
}

function nodesOn(ports: number[], home: ServiceHome, { nodes = 1, port }: KafkaOptions): KafkaNode[] {
  return Array.from({ length: nodes }, (_, index) => ({
    id: index + 1,
    port: port === undefined ? (ports[index] ?? 0) : port + index,
    controllerPort: ports[nodes + index] ?? 0,
    data: home.owned(`node-${index + 1}`),
  }));
}

/** Docker or Java, whatever KAFKA_BROKERS says: for a broker that may be killed. */
export async function startOwnKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const { nodes = 1, port, settings = {} } = options;
  if (port !== undefined) await assertFree(Array.from({ length: nodes }, (_, index) => port + index));
  const runner = await chooseRunner(nodes);
  return onFreePorts(2 * nodes, async (ports) => {
    const home = createHome('kafka');
    const clusterId = randomBytes(16).toString('base64url');
    const cluster = new KafkaCluster({ clusterId, nodes: nodesOn(ports, home, options), settings }, runner, home);
    try {
      await cluster.format();
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  });
}

/** The brokers of KAFKA_BROKERS; else one in Docker; else one in Java. Throws `NoBroker` when none is to be had. */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const given = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');
  return given.length > 0 ? givenKafka(given) : startOwnKafka(options);
}
