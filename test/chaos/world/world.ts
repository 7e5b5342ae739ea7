import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka } from 'kafkajs';
import { bundle, type Bundle } from '../../support/bundle.js';
import { installAudit } from '../checker/audit-tables.js';
import type { Holding } from '../agent/resources.js';
import { holdingsOf } from './holdings.js';
import { Fleet } from './fleet.js';
import { asAdmin, kafkaClient, KafkaLog } from './kafka-log.js';
import type { PoisonKind } from './poison.js';
import { services, type Replica, type ServiceName } from './replica.js';
import type { Servers } from './servers.js';

const sources = {
  ...Object.fromEntries(services.map((service) => [service, `apps/${service}/src/main.ts`])),
  agent: 'test/chaos/agent/agent.ts',
};

/** The three services at work on their servers, and all by which faults reach them. */
export class World {
  readonly prefix = `chaos-${randomUUID().slice(0, 8)}.`;
  readonly topic = `${this.prefix}saga.task-assignment`;
  readonly client: Kafka;
  readonly log: KafkaLog;
  readonly deadLetters: KafkaLog;
  /** Compensations that became dead letters. */
  readonly failures: KafkaLog;
  readonly fleet: Fleet;
  /** Records that a fault put on the topic and that no service can take, by a name each. */
  readonly poison = new Map<string, PoisonKind>();
  private journaled = 0;
  private schema: Readonly<Record<string, string>> = {};
  private readonly equipped = new Set<Replica>();
  private readonly folder = mkdtempSync(join(tmpdir(), 'nest-saga-chaos-'));

  private constructor(
    readonly servers: Servers,
    readonly databases: Readonly<Record<ServiceName, string>>,
    private readonly programs: Bundle,
  ) {
    this.client = kafkaClient(servers.brokers);
    this.log = new KafkaLog(this.client, this.topic);
    this.deadLetters = new KafkaLog(this.client, `${this.prefix}saga.dead-letters`);
    this.failures = new KafkaLog(this.client, `${this.prefix}saga.compensation.failed`);
    this.fleet = new Fleet(programs, (service) => this.environment(service));
  }

  static async start(servers: Servers, replicas: number): Promise<World> {
    const name = (service: ServiceName): string => `chaos_${service}_${randomUUID().slice(0, 8)}`;
    const [task, assignment, notification] = await Promise.all(
      services.map((service) => servers.databaseUrl(name(service))),
    );
    const databases = { task: task!, assignment: assignment!, notification: notification! };
    const world = new World(servers, databases, await bundle(sources));
    try {
      if (servers.brokers.length > 1) await world.createTopics(Math.min(3, servers.brokers.length));
      await world.fleet.grow();
      for (const service of services) await installAudit(service, databases[service]);
      for (const replica of world.fleet.replicas) replica.equip(() => keptSchema);
      world.schema = keptSchema;
      for (let grown = 1; grown < replicas; grown += 1) await world.fleet.grow();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** Gives a replica variables from its next start on, until `heal`. */
  equip(replica: Replica, extra: () => Record<string, string>): void {
    this.equipped.add(replica);
    replica.equip(() => ({ ...keptSchema, CHAOS_JOURNAL: this.journalFile, ...extra() }));
  }

  /** What the agents in the processes have noted since the last time this was asked. */
  journal(): readonly string[] {
    if (!existsSync(this.journalFile)) return [];
    const lines = readFileSync(this.journalFile, 'utf8').split('\n').slice(0, -1);
    const news = lines.slice(this.journaled);
    this.journaled = lines.length;
    return news;
  }

  /** How many processes have ended by themselves. */
  get deaths(): number {
    return this.fleet.replicas.reduce((sum, { deaths }) => sum + deaths, 0);
  }

  /** What each process holds now, by its id. */
  holdings(): Promise<ReadonlyMap<number, Holding>> {
    return holdingsOf(this.fleet.replicas, this.holdingsFile);
  }

  /** Takes every fault away; resolves when all processes answer and hear their events. */
  async heal(): Promise<void> {
    for (const replica of this.equipped) replica.equip(() => keptSchema);
    await Promise.all([...this.equipped].map((replica) => replica.restart('SIGTERM')));
    this.equipped.clear();
    await this.fleet.heal();
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.programs.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** On several brokers, before the services make them on one. */
  private async createTopics(replicationFactor: number): Promise<void> {
    const names = ['saga.task-assignment', 'saga.compensation.failed', 'saga.dead-letters'];
    const topics = names.map((name) => ({ topic: `${this.prefix}${name}`, numPartitions: 6, replicationFactor }));
    await asAdmin(this.client, (admin) => admin.createTopics({ topics, waitForLeaders: true }));
  }

  private get journalFile(): string {
    return join(this.folder, 'journal');
  }

  private get holdingsFile(): string {
    return join(this.folder, 'holdings');
  }

  private environment(service: ServiceName): Readonly<Record<string, string>> {
    const { brokers, mail } = this.servers;
    return {
      KAFKA_BROKERS: brokers.join(','),
      SAGA_PREFIX: this.prefix,
      DATABASE_URL: this.databases[service],
      SMTP_URL: `smtp://${mail.host}:${mail.port}`,
      CHAOS_HOLDINGS: this.holdingsFile,
      NO_COLOR: '1',
      ...this.schema,
    };
  }
}

/** Unique constraints that were taken away shall stay away. */
const keptSchema = { CHAOS_KEEP_SCHEMA: 'on' };
