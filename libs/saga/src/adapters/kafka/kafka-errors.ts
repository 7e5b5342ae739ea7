import { SagaError } from '../../protocol/errors.js';
import { TopicsMissing } from './kafka-topics.js';

/** kafkajs wraps what happened; the innermost error says it, unless one of ours does. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && !(cause instanceof SagaError) && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}

/** In words, for logs and health. */
export function reasonOf(error: unknown): string {
  const cause = rootCause(error);
  return cause instanceof Error ? cause.message : String(cause);
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
