import type { Admin } from 'kafkajs';
import { sleep } from '../../ports/own-context.js';
import { SagaError } from '../../protocol/errors.js';
import type { KafkaClients } from './kafka-clients.js';
import type { TopicCreation } from './kafka-options.js';

const appearsWithinMs = 10_000;
const pollMs = 50;

const letUs = 'Create it, or let the library do so: kafka({ createTopics: { partitions: 12, replicationFactor: 3 } })';

/** Topics that do not exist and cannot be made from here. */
export class TopicsMissing extends SagaError {
  constructor(
    readonly topics: readonly string[],
    whatToDo = letUs,
    options?: ErrorOptions,
  ) {
    const names = topics.map((topic) => `"${topic}"`).join(', ');
    super('TOPICS_MISSING', `Kafka has no topic ${names}. ${whatToDo}.`, { retriable: true }, options);
    this.name = 'TopicsMissing';
  }
}

/** Sees to it that topics exist before they are used. */
export class KafkaTopics {
  private readonly known = new Set<string>();
  /** All that were ever asked for. */
  readonly used = new Set<string>();

  constructor(
    private readonly clients: KafkaClients,
    private readonly creation: TopicCreation | false,
  ) {}

  /**
   * Several services may do this at once: whoever is first makes the topic.
   *
   * @throws TopicsMissing when some do not exist and cannot be made
   */
  async ensure(topics: readonly string[]): Promise<void> {
    const unknown = topics.filter((topic) => !this.known.has(topic));
    for (const topic of unknown) this.used.add(topic);
    if (unknown.length === 0) return;
    const admin = this.clients.admin();
    try {
      await admin.connect();
      await this.ensureUnknown(admin, [...new Set(unknown)]);
    } finally {
      await admin.disconnect();
    }
    for (const topic of unknown) this.known.add(topic);
  }

  /** Looks again before the next use, because something went wrong with them. */
  doubt(topics: readonly string[]): void {
    for (const topic of topics) this.known.delete(topic);
  }

  private async ensureUnknown(admin: Admin, topics: readonly string[]): Promise<void> {
    let missing = await absent(admin, topics);
    if (missing.length === 0) return;
    if (!this.creation) throw new TopicsMissing(missing);
    await create(admin, missing, this.creation);
    const deadline = Date.now() + appearsWithinMs;
    while ((missing = await absent(admin, topics)).length > 0) {
      if (Date.now() > deadline) throw new TopicsMissing(missing);
      await sleep(pollMs);
    }
  }
}

interface TopicRefusal {
  readonly message: string;
  readonly type: string;
  readonly topic: string;
}

async function absent(admin: Admin, topics: readonly string[]): Promise<readonly string[]> {
  const existing = new Set(await admin.listTopics());
  return topics.filter((topic) => !existing.has(topic));
}

/** How long a record is kept is counted by the broker's clock, not by those of the services. */
const configEntries = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }];

/** Quiet when somebody else made them at the same time. */
async function create(
  admin: Admin,
  topics: readonly string[],
  { partitions, replicationFactor }: TopicCreation,
): Promise<void> {
  try {
    await admin.createTopics({
      topics: topics.map((topic) => ({ topic, numPartitions: partitions, replicationFactor, configEntries })),
      waitForLeaders: true,
    });
  } catch (error) {
    if (!(error instanceof Error && 'errors' in error && Array.isArray(error.errors))) throw error;
    const refusals = error.errors as readonly TopicRefusal[];
    const refusal = refusals.find(({ type }) => type !== 'TOPIC_ALREADY_EXISTS');
    const asked = `${partitions} partitions on ${replicationFactor} brokers`;
    const whatToDo = `It refuses to create it with ${asked} (${refusal?.message}). Create it by hand, or change kafka({ createTopics })`;
    throw new TopicsMissing(refusal ? [refusal.topic] : topics, whatToDo, { cause: error });
  }
}
