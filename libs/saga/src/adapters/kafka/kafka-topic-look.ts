import kafkajs, { type Admin, type ITopicMetadata } from 'kafkajs';
import { inOwnContext, sleep } from '../../ports/own-context.js';
import { SagaError } from '../../protocol/errors.js';
import type { TransportContext } from '../../ports/transport.js';
import type { KafkaClients } from './kafka-clients.js';
import { isUnauthorized, reasonOf } from './kafka-errors.js';
import type { KafkaFindings } from './kafka-findings.js';
import type { KafkaSettings } from './kafka-options.js';
import type { KafkaTopics } from './kafka-topics.js';
import { lookedAt, topicFindings, type DescribedTopic } from './kafka-topic-checks.js';

const everyMs = 30_000;

/** A topic loses events by its configuration. The service does not start on it. */
export class TopicUnfit extends SagaError {
  constructor(
    readonly clientId: string,
    readonly violations: readonly string[],
  ) {
    const all = violations.map((violation) => `  - ${violation}`).join('\n');
    super('TOPIC_UNFIT', `"${clientId}" does not start on topics that lose events:\n${all}`, { retriable: false });
    this.name = 'TopicUnfit';
  }
}

/** Looks at the topics that the service uses, when it begins to use them and every half minute after. */
export class KafkaTopicLook {
  private readonly partitions = new Map<string, number>();
  private readonly closed = new AbortController();
  private looking: Promise<void> | undefined;
  private admin: Admin | undefined;
  private toldTrouble = false;

  constructor(
    private readonly clients: KafkaClients,
    private readonly topics: Pick<KafkaTopics, 'used'>,
    private readonly settings: Pick<KafkaSettings, 'maxMessageBytes' | 'compactedTopics'>,
    private readonly findings: KafkaFindings,
    private readonly logger: TransportContext['logger'],
  ) {}

  /**
   * Looks now, and from now on at all topics that are used. What cannot be found out is no reason not to start.
   *
   * @throws TopicUnfit when one is compacted
   */
  async begin(topics: readonly string[]): Promise<void> {
    await this.look(topics);
    this.looking ??= inOwnContext(() => this.lookAgainAndAgain());
    const unfit = this.findings
      .list()
      .filter(({ code, topic = '' }) => code === 'TOPIC_COMPACTED' && topics.includes(topic));
    if (unfit.length > 0)
      throw new TopicUnfit(
        this.clients.clientId,
        unfit.map(({ detail }) => detail),
      );
  }

  async close(): Promise<void> {
    this.closed.abort();
    await this.looking;
    await this.drop();
  }

  private async lookAgainAndAgain(): Promise<void> {
    const { signal } = this.closed;
    while (!signal.aborted) {
      await sleep(everyMs, { signal, keepsAlive: false });
      if (!signal.aborted) await this.look([...this.topics.used]);
    }
  }

  private async look(topics: readonly string[]): Promise<void> {
    try {
      this.admin ??= await this.connected();
      await this.lookWith(this.admin, topics);
      this.toldTrouble = false;
    } catch (error) {
      await this.drop();
      if (!this.toldTrouble && !this.closed.signal.aborted)
        this.logger.warn(`The topics of this service cannot be looked at for the moment: ${reasonOf(error)}`);
      this.toldTrouble = true;
    }
  }

  private async lookWith(admin: Admin, topics: readonly string[]): Promise<void> {
    const { metadata, missing } = await metadataOf(admin, topics);
    for (const topic of missing) this.noteMissing(topic);
    const there = metadata.map(({ name }) => name);
    const configs = there.length > 0 ? await configsOf(admin, there) : new Map<string, Configs>();
    for (const { name, partitions } of metadata)
      this.note({
        topic: name,
        partitions: partitions.length,
        replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        ...(configs.has(name) && { config: configs.get(name) }),
      });
  }

  private note(described: DescribedTopic): void {
    const { topic, partitions } = described;
    const partitionsBefore = this.partitions.get(topic);
    this.partitions.set(topic, Math.max(partitions, partitionsBefore ?? 0));
    const { maxMessageBytes, compactedTopics } = this.settings;
    const limits = { maxMessageBytes, compactedTopics, ...(partitionsBefore !== undefined && { partitionsBefore }) };
    this.findings.replace(`topic ${topic}`, topicFindings(described, limits));
  }

  private noteMissing(topic: string): void {
    this.findings.replace(`topic ${topic}`, [
      {
        code: 'TOPIC_MISSING',
        severity: 'error',
        topic,
        detail: `Topic "${topic}" is not there any more, or the service may not see it (DESCRIBE): nothing is published to it or consumed from it.`,
      },
    ]);
  }

  private async connected(): Promise<Admin> {
    const admin = this.clients.admin();
    await admin.connect();
    return admin;
  }

  private async drop(): Promise<void> {
    const dropped = this.admin;
    this.admin = undefined;
    await dropped?.disconnect().catch(() => undefined); // it is of no use any more, whatever it says
  }
}

type Configs = ReadonlyMap<string, string>;

/** All topics of the cluster are listed only when one of these is not found. */
async function metadataOf(
  admin: Admin,
  topics: readonly string[],
): Promise<{ readonly metadata: readonly ITopicMetadata[]; readonly missing: readonly string[] }> {
  if (topics.length === 0) return { metadata: [], missing: [] };
  try {
    return { metadata: (await admin.fetchTopicMetadata({ topics: [...topics] })).topics, missing: [] };
  } catch (error) {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic));
    if (missing.length === 0) throw error;
    return {
      ...(await metadataOf(
        admin,
        topics.filter((topic) => existing.has(topic)),
      )),
      missing,
    };
  }
}

/** By topic and name, without topics of which the service may not see them. */
async function configsOf(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, Configs>> {
  const resources = topics.map((name) => ({
    type: kafkajs.ConfigResourceTypes.TOPIC,
    name,
    configNames: lookedAt,
  }));
  try {
    const described = await admin.describeConfigs({ includeSynonyms: false, resources });
    return new Map(
      described.resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    if (topics.length === 1) return new Map();
    const each = await Promise.all(topics.map((topic) => configsOf(admin, [topic])));
    return new Map(each.flatMap((one) => [...one]));
  }
}
