import kafkajs from 'kafkajs';
import type { ClusterPlan, KafkaNode, KafkaRunner } from './kafka-node.js';
import type { ServiceHome } from './service-home.js';
import { ServiceProcess } from './service-process.js';

/** The cluster as its brokers describe it. Rejects when none answers within some seconds. */
export async function describeCluster(brokers: string[]): Promise<{ clusterId: string; nodes: number }> {
  const { Kafka, logLevel } = kafkajs;
  const silent = { logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 3_000, requestTimeout: 5_000 };
  const admin = new Kafka({ clientId: 'nest-saga-ready', brokers, ...silent }).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return { clusterId: cluster.clusterId, nodes: cluster.brokers.length };
  } finally {
    await admin.disconnect();
  }
}

/** The nodes of a plan as processes of ours. */
export class KafkaCluster {
  private readonly processes = new Map<KafkaNode, ServiceProcess>();

  constructor(
    private readonly plan: ClusterPlan,
    private readonly runner: KafkaRunner,
    private readonly home: ServiceHome,
  ) {}

  get brokers(): string[] {
    return this.plan.nodes.map(({ port }) => `127.0.0.1:${port}`);
  }

  get source(): 'docker' | 'java' {
    return this.runner.source;
  }

  get pids(): number[] {
    return this.running().map((process) => process.pid);
  }

  async format(): Promise<void> {
    await Promise.all(this.plan.nodes.map((node) => this.runner.format(node, this.plan)));
  }

  async start(nodes = this.plan.nodes): Promise<void> {
    for (const node of nodes) {
      this.processes.set(node, new ServiceProcess(this.runner.command(node, this.plan), this.home));
    }
    await Promise.all(nodes.map((node) => this.untilReady(node)));
  }

  async kill(id?: number): Promise<void> {
    await this.each(id, (process, node) => this.runner.kill(node, this.plan, process));
  }

  async restart(id?: number): Promise<void> {
    await this.each(id, (process) => process.end('SIGTERM'));
    await this.start(this.chosen(id));
  }

  async stop(): Promise<void> {
    await this.each(undefined, (process) => process.end('SIGTERM'));
    await this.home.remove();
  }

  private async untilReady(node: KafkaNode): Promise<void> {
    await this.processes.get(node)?.untilReady(async () => {
      const { clusterId, nodes } = await describeCluster([`127.0.0.1:${node.port}`]);
      if (clusterId !== this.plan.clusterId) throw new Error(`another Kafka answers on port ${node.port}`);
      const running = this.running().length;
      if (nodes < running) throw new Error(`${nodes} of ${running} nodes have joined`);
    }, this.runner.readyWithinMs);
  }

  private running(): ServiceProcess[] {
    return [...this.processes.values()].filter((process) => process.isRunning);
  }

  private chosen(id: number | undefined): KafkaNode[] {
    const chosen = this.plan.nodes.filter((node) => id === undefined || node.id === id);
    if (chosen.length > 0) return chosen;
    throw new Error(`There is no Kafka node ${id}: they are numbered 1 to ${this.plan.nodes.length}.`);
  }

  private async each(
    id: number | undefined,
    act: (process: ServiceProcess, node: KafkaNode) => Promise<void>,
  ): Promise<void> {
    await Promise.all(
      this.chosen(id).map(async (node) => {
        const process = this.processes.get(node);
        if (process !== undefined) await act(process, node);
      }),
    );
  }
}
