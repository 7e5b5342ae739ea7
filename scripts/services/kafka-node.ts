import type { ServiceCommand, ServiceProcess } from './service-process.js';

/** One node, broker and controller in one, and what it must know of the cluster. */
export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** Where it keeps its records, on this machine. */
  readonly data: string;
}

export interface ClusterPlan {
  readonly clusterId: string;
  readonly nodes: readonly KafkaNode[];
  /** Broker settings by their names in server.properties; they win over ours. */
  readonly settings: Readonly<Record<string, string>>;
}

/** How nodes become processes: programs of a Java runtime, or containers. */
export interface KafkaRunner {
  readonly source: 'docker' | 'java';
  readonly readyWithinMs: number;
  /** Makes the node's storage; done once per node. */
  format(node: KafkaNode, plan: ClusterPlan): Promise<void>;
  command(node: KafkaNode, plan: ClusterPlan): ServiceCommand;
  /** Ends the node at once, as a crash does. */
  kill(node: KafkaNode, plan: ClusterPlan, process: ServiceProcess): Promise<void>;
}

function quickForTests(nodes: number): Record<string, string> {
  const replicas = String(Math.min(nodes, 3));
  return {
    'auto.create.topics.enable': 'false',
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '4000', // a killed node is let in again only after it
    'default.replication.factor': replicas,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': replicas,
    'share.coordinator.state.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'log.cleaner.dedupe.buffer.size': '8388608',
  };
}

/** server.properties of one node that listens at `host`; clients reach it at 127.0.0.1 only. */
export function nodeProperties(node: KafkaNode, plan: ClusterPlan, host: string, data: string): Record<string, string> {
  const voters = plan.nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`);
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'controller.quorum.voters': voters.join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://${host}:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    ...quickForTests(plan.nodes.length),
    ...plan.settings,
  };
}
