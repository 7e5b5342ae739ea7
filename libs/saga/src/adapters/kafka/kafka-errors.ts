import { SagaError } from '../../protocol/errors.js';
import { reasonOf as told } from '../../protocol/reason.js';
import { TopicsMissing } from './kafka-topics.js';

/** kafkajs wraps what happened; the innermost error says it, unless one of ours does. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && !(cause instanceof SagaError) && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}

/** In words, for logs and health, with what to do about it where that is known. */
export function reasonOf(error: unknown): string {
  const cause = rootCause(error);
  const what = told(cause);
  const whatToDo = remedyOf(cause);
  return whatToDo === undefined ? what : `${what.replace(/\.$/, '')}. ${whatToDo}`;
}

const remedies: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'Allow the service to READ, WRITE and DESCRIBE its topics',
  GROUP_AUTHORIZATION_FAILED: 'Allow the service to READ its consumer groups, which have its name with the prefix',
  CLUSTER_AUTHORIZATION_FAILED: 'Allow the service what it asks of the cluster (IDEMPOTENT_WRITE, before Kafka 3)',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'Allow the service to WRITE',
  INCONSISTENT_GROUP_PROTOCOL:
    'Another program, of another kind of client, is in this consumer group: give it a group of its own, and see its members with kafka-consumer-groups.sh --describe --members',
  NOT_ENOUGH_REPLICAS: 'Fewer brokers hold the topic than its min.insync.replicas: bring them back, or lower it',
  KafkaJSSASLAuthenticationError: 'Look at kafka({ sasl }), and at the users of the brokers',
  ENOTFOUND:
    'This is the address that kafka({ brokers }) or the advertised.listeners of the brokers give: it must mean the broker from here',
};

function remedyOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { type, code } = cause as { readonly type?: unknown; readonly code?: unknown };
  return [type, cause.name, code].map((key) => remedies[String(key)]).find((remedy) => remedy !== undefined);
}

/** Kafka's name of the error, as `MESSAGE_TOO_LARGE`. */
function kafkaCode(error: unknown): string | undefined {
  const cause = rootCause(error);
  return cause instanceof Error && 'type' in cause && typeof cause.type === 'string' ? cause.type : undefined;
}

const refusedMessages = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);
const refusedTopics = new Set(['TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION', 'POLICY_VIOLATION']);

/** Whether a send failed for one of its messages or topics, so that the rest of it would have gone through. */
export function refusalOf(error: unknown): 'message' | 'topic' | undefined {
  if (error instanceof TopicsMissing) return 'topic';
  const code = kafkaCode(error) ?? '';
  if (refusedMessages.has(code)) return 'message';
  return refusedTopics.has(code) ? 'topic' : undefined;
}

/** Part of every change of the group's members. */
export function isRebalance(error: unknown): boolean {
  return ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'].includes(kafkaCode(error) ?? '');
}

/** What kafkajs says when it cannot decode what it fetched, beside errors that are none of its own (of a codec, of reading past the end). */
const undecodable = new Set([
  'KafkaJSNotImplemented',
  'KafkaJSPartialMessageError',
  'KafkaJSUnsupportedMagicByteInMessageSet',
  'KafkaJSInvalidVarIntError',
  'KafkaJSInvalidLongError',
]);
const refusedPartitions = new Set([
  'CORRUPT_MESSAGE',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'KAFKA_STORAGE_ERROR',
  'TOPIC_AUTHORIZATION_FAILED',
  'UNKNOWN',
]);

/** Whether a fetch failed for what is in one of its partitions, so that the others could have been read. */
export function isOfAPartition(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  if (refusedPartitions.has(kafkaCode(error) ?? '')) return true;
  return undecodable.has(error.name) || !error.name.startsWith('KafkaJS');
}

/** The partition whose offset is not there (any more). */
export function outOfRange(error: unknown): { readonly topic: string; readonly partition: number } | undefined {
  if (!(error instanceof Error) || error.name !== 'KafkaJSOffsetOutOfRange') return undefined;
  const { topic, partition } = error as Partial<Record<'topic' | 'partition', unknown>>;
  return { topic: String(topic), partition: Number(partition) };
}

const startingUp = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'LEADER_NOT_AVAILABLE',
]);

/** The broker, or a topic, has just come to be. */
export function isStartingUp(error: unknown): boolean {
  return startingUp.has(kafkaCode(error) ?? '');
}

/** The broker takes no record whose time is so far from its own (`message.timestamp.after.max.ms`): the clock here is wrong. */
export function refusesTimestamps(error: unknown): boolean {
  return kafkaCode(error) === 'INVALID_TIMESTAMP';
}

/** An access rule hides what was asked for. */
export function isUnauthorized(error: unknown): boolean {
  return kafkaCode(error)?.endsWith('_AUTHORIZATION_FAILED') ?? false;
}
