import kafkajs, { type Admin } from 'kafkajs';
import { SagaError } from '../../protocol/errors.js';
import type { RecordLifetimes } from '../../ports/transport.js';
import type { KafkaClients } from './kafka-clients.js';
import type { KafkaTopics } from './kafka-topics.js';

const asked = ['retention.ms', 'segment.ms', 'cleanup.policy'];

type Configs = Awaited<ReturnType<Admin['describeConfigs']>>['resources'][number];

/** How long topics keep their records, asked of the brokers each time. */
export class KafkaLifetimes implements RecordLifetimes {
  constructor(
    private readonly clients: KafkaClients,
    private readonly topics: KafkaTopics,
  ) {}

  async of(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (topics.length === 0) return new Map();
    await this.topics.ensure(topics);
    const admin = this.clients.admin();
    try {
      await admin.connect();
      const resources = topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: asked }));
      const described = await admin.describeConfigs({ includeSynonyms: false, resources });
      return new Map(described.resources.map((topic) => [topic.resourceName, lifetimeOf(topic)]));
    } finally {
      await admin.disconnect();
    }
  }
}

/** Records go a segment at a time, `retention.ms` after the last of it was written; a compacted topic keeps the last of each key for good. */
function lifetimeOf({ resourceName, configEntries }: Configs): number {
  const value = (name: string): string => {
    const entry = configEntries.find(({ configName }) => configName === name);
    if (entry) return entry.configValue;
    throw new SagaError(
      'RETENTION_UNKNOWN',
      `Kafka does not tell ${name} of topic "${resourceName}"; allow the service to describe its configuration (DESCRIBE_CONFIGS).`,
      { retriable: true },
    );
  };
  const retention = Number(value('retention.ms'));
  if (retention < 0 || !value('cleanup.policy').includes('delete')) return Infinity;
  return retention + Number(value('segment.ms'));
}
