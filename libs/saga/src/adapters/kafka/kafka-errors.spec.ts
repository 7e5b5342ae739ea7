import { expect, test } from 'vitest';
import { isOfAPartition, reasonOf } from './kafka-errors.js';

/** As kafkajs wraps what happened. */
function wrapped(cause: Error): Error {
  return new Error('Number of retries exceeded', { cause });
}

test.each([
  [{ name: 'KafkaJSProtocolError', type: 'GROUP_AUTHORIZATION_FAILED' }, 'READ its consumer groups'],
  [{ name: 'KafkaJSProtocolError', type: 'TOPIC_AUTHORIZATION_FAILED' }, 'READ, WRITE and DESCRIBE'],
  [{ name: 'KafkaJSProtocolError', type: 'INCONSISTENT_GROUP_PROTOCOL' }, 'Another program'],
  [{ name: 'KafkaJSProtocolError', type: 'NOT_ENOUGH_REPLICAS' }, 'min.insync.replicas'],
  [{ name: 'KafkaJSSASLAuthenticationError' }, 'kafka({ sasl })'],
  [{ name: 'KafkaJSConnectionError', code: 'ENOTFOUND' }, 'advertised.listeners'],
])('the reason of %j says what to do', (facts, whatToDo) => {
  const reason = reasonOf(wrapped(Object.assign(new Error('It is so.'), facts)));
  expect(reason.startsWith('It is so. ')).toBe(true);
  expect(reason).toContain(whatToDo);
});

test('a reason of which nothing is known stays as it is, and is never empty', () => {
  expect(reasonOf(wrapped(new Error('odd')))).toBe('odd');
  expect(reasonOf(new TypeError(''))).toBe('TypeError');
});

test('only what is in a partition is a matter of a partition', () => {
  const named = (name: string, facts: object = {}): Error => Object.assign(new Error('x'), { name, ...facts });
  for (const name of ['KafkaJSNotImplemented', 'RangeError', 'TypeError', 'KafkaJSInvalidVarIntError'])
    expect(isOfAPartition(named(name))).toBe(true);
  for (const type of ['CORRUPT_MESSAGE', 'TOPIC_AUTHORIZATION_FAILED', 'UNSUPPORTED_COMPRESSION_TYPE'])
    expect(isOfAPartition(named('KafkaJSProtocolError', { type }))).toBe(true);
  for (const type of ['NOT_LEADER_FOR_PARTITION', 'REBALANCE_IN_PROGRESS', 'UNKNOWN_TOPIC_OR_PARTITION'])
    expect(isOfAPartition(named('KafkaJSProtocolError', { type }))).toBe(false);
  for (const name of ['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError', 'KafkaJSBrokerNotFound'])
    expect(isOfAPartition(named(name))).toBe(false);
});
