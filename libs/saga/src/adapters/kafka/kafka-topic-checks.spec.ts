import { expect, test } from 'vitest';
import { topicFindings } from './kafka-topic-checks.js';

const sound = {
  'cleanup.policy': 'delete',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
  'min.insync.replicas': '2',
  'max.message.bytes': '1048588',
  'unclean.leader.election.enable': 'false',
};
const limits = { maxMessageBytes: 1_000_000, compactedTopics: [] };

function found(
  config: Partial<Record<keyof typeof sound, string>>,
  given: Partial<Parameters<typeof topicFindings>[1]> = {},
) {
  const described = {
    topic: 'orders',
    partitions: 3,
    replicas: 3,
    config: new Map(Object.entries({ ...sound, ...config })),
  };
  return topicFindings(described, { ...limits, ...given }).map(({ code, severity }) => `${code} ${severity}`);
}

test('a topic as Kafka makes it is in order', () => expect(found({})).toEqual([]));

test.each([
  [{ 'cleanup.policy': 'compact' }, 'TOPIC_COMPACTED error'],
  [{ 'cleanup.policy': 'compact,delete' }, 'TOPIC_COMPACTED error'],
  [{ 'retention.ms': '3600000' }, 'TOPIC_RETENTION_SHORT warning'],
  [{ 'retention.bytes': '1000000' }, 'TOPIC_SIZE_LIMITED warning'],
  [{ 'min.insync.replicas': '4' }, 'TOPIC_UNWRITABLE error'],
  [{ 'max.message.bytes': '500000' }, 'TOPIC_MESSAGES_SMALL warning'],
  [{ 'unclean.leader.election.enable': 'true' }, 'TOPIC_UNCLEAN warning'],
])('a topic with %j is %s', (config, finding) => expect(found(config)).toEqual([finding]));

test('records that are kept for good are not kept too short', () =>
  expect(found({ 'retention.ms': '-1' })).toEqual([]));

test('a topic that may be compacted is no finding', () =>
  expect(found({ 'cleanup.policy': 'compact' }, { compactedTopics: ['orders'] })).toEqual([]));

test('fewer partitions than before are found, more are not', () => {
  expect(found({}, { partitionsBefore: 4 })).toEqual(['TOPIC_SHRUNK warning']);
  expect(found({}, { partitionsBefore: 2 })).toEqual([]);
});

test('what may not be seen is unknown, which is a note', () => {
  const unseen = topicFindings({ topic: 'orders', partitions: 3, replicas: 3 }, limits);
  expect(unseen).toMatchObject([{ code: 'TOPIC_UNSEEN', severity: 'note' }]);
});
