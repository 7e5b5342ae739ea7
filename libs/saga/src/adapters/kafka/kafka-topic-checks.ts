import type { TransportFinding } from '../../ports/transport.js';

type Found = Omit<TransportFinding, 'since'>;

/** A topic as the brokers describe it. */
export interface DescribedTopic {
  readonly topic: string;
  readonly partitions: number;
  /** Of its partition that has fewest. */
  readonly replicas: number;
  /** Absent where the service may not see it. */
  readonly config?: ReadonlyMap<string, string>;
}

export interface TopicLimits {
  readonly maxMessageBytes: number;
  readonly compactedTopics: readonly string[];
  /** How many partitions the topic had when it was looked at before. */
  readonly partitionsBefore?: number;
}

export const lookedAt = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
  'max.message.bytes',
  'unclean.leader.election.enable',
];

/** An outage of a service is over within this, by most people's standards. */
const day = 86_400_000;
const hour = 3_600_000;

/** What is wrong with a topic on which events of sagas are. */
export function topicFindings(described: DescribedTopic, limits: TopicLimits): readonly Found[] {
  const { topic, config } = described;
  if (!config)
    return [
      {
        code: 'TOPIC_UNSEEN',
        severity: 'note',
        topic,
        detail: `Whether topic "${topic}" is compacted, and how long it keeps records, cannot be seen from here. Allow the service DESCRIBE_CONFIGS on its topics.`,
      },
      ...shrunk(described, limits),
    ];
  return [
    ...compacted(topic, config, limits),
    ...shortLived(topic, config),
    ...unwritable(described, config),
    ...narrow(topic, config, limits),
    ...unclean(topic, config),
    ...shrunk(described, limits),
  ];
}

function compacted(
  topic: string,
  config: ReadonlyMap<string, string>,
  { compactedTopics }: TopicLimits,
): readonly Found[] {
  const policy = config.get('cleanup.policy') ?? '';
  if (!policy.includes('compact') || compactedTopics.includes(topic)) return [];
  return [
    {
      code: 'TOPIC_COMPACTED',
      severity: 'error',
      topic,
      detail: `Topic "${topic}" has cleanup.policy=${policy}. All events of a saga have one key, so Kafka deletes all but the last of them, and a service that was away for a moment never sees the others. Set cleanup.policy=delete on the topic; or, for a topic of outside events of which only the last of each key matters, name it in kafka({ compactedTopics: ["${topic}"] }).`,
    },
  ];
}

function shortLived(topic: string, config: ReadonlyMap<string, string>): readonly Found[] {
  const kept = Number(config.get('retention.ms') ?? -1);
  const bytes = Number(config.get('retention.bytes') ?? -1);
  const found: Found[] = [];
  if (kept >= 0 && kept < day)
    found.push({
      code: 'TOPIC_RETENTION_SHORT',
      severity: 'warning',
      topic,
      detail: `Topic "${topic}" keeps records for ${Math.round((kept / hour) * 10) / 10} h (retention.ms=${kept}): what a service does not consume within that is lost, and its sagas wait for ever. Set retention.ms to more than the longest outage that you want to survive; a week is usual.`,
    });
  if (bytes >= 0)
    found.push({
      code: 'TOPIC_SIZE_LIMITED',
      severity: 'warning',
      topic,
      detail: `Topic "${topic}" keeps at most ${bytes} bytes of each partition (retention.bytes), consumed or not: a burst during an outage is lost. Set retention.bytes=-1, or more than an outage's worth.`,
    });
  return found;
}

function unwritable({ topic, replicas }: DescribedTopic, config: ReadonlyMap<string, string>): readonly Found[] {
  const needed = Number(config.get('min.insync.replicas') ?? 1);
  if (needed <= replicas) return [];
  return [
    {
      code: 'TOPIC_UNWRITABLE',
      severity: 'error',
      topic,
      detail: `Topic "${topic}" has ${replicas} replica${replicas === 1 ? '' : 's'} and min.insync.replicas=${needed}: no event can be published there. Add replicas, or set min.insync.replicas to ${replicas} or less.`,
    },
  ];
}

function narrow(
  topic: string,
  config: ReadonlyMap<string, string>,
  { maxMessageBytes }: TopicLimits,
): readonly Found[] {
  const most = Number(config.get('max.message.bytes') ?? Infinity);
  if (most >= maxMessageBytes) return [];
  return [
    {
      code: 'TOPIC_MESSAGES_SMALL',
      severity: 'warning',
      topic,
      detail: `Topic "${topic}" takes messages of up to ${most} bytes (max.message.bytes), and kafka({ maxMessageBytes }) is ${maxMessageBytes}: an event between both is committed and can never be published. Make both equal, and settings.maxEventBytes smaller.`,
    },
  ];
}

function unclean(topic: string, config: ReadonlyMap<string, string>): readonly Found[] {
  if (config.get('unclean.leader.election.enable') !== 'true') return [];
  return [
    {
      code: 'TOPIC_UNCLEAN',
      severity: 'warning',
      topic,
      detail: `Topic "${topic}" has unclean.leader.election.enable=true: a broker that lacks acknowledged events may become its leader, and they are gone. Set it to false.`,
    },
  ];
}

function shrunk({ topic, partitions }: DescribedTopic, { partitionsBefore }: TopicLimits): readonly Found[] {
  if (partitionsBefore === undefined || partitions >= partitionsBefore) return [];
  return [
    {
      code: 'TOPIC_SHRUNK',
      severity: 'warning',
      topic,
      detail: `Topic "${topic}" has ${partitions} partitions and had ${partitionsBefore}: it was deleted and made anew. What was on it and not consumed is lost; sagas that wait for it are seen in the tracker as stuck.`,
    },
  ];
}
