import { canWriteZstd } from './kafka-codecs.js';
import type { KafkaOptions, TopicCreation } from './kafka-options.js';

interface Rule {
  readonly holds: (value: unknown) => boolean;
  readonly text: string;
}

const milliseconds: Rule = {
  holds: (value) => typeof value === 'number' && value >= 1 && value <= 2_147_483_647,
  text: 'milliseconds, 1 or more',
};
const whole: Rule = {
  holds: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
  text: 'a whole number from 1',
};
const forKafkajs: Rule = { holds: () => true, text: 'what kafkajs takes' };

const compressions = ['none', 'gzip', 'snappy', 'lz4', ...(canWriteZstd ? ['zstd'] : [])];

const rules: Readonly<Record<keyof KafkaOptions, Rule>> = {
  brokers: { holds: areBrokers, text: 'a list of "host:port", one or more' },
  clientId: { holds: (value) => typeof value === 'string' && value !== '', text: 'a text' },
  ssl: forKafkajs,
  sasl: forKafkajs,
  connectionTimeout: milliseconds,
  authenticationTimeout: milliseconds,
  reauthenticationThreshold: milliseconds,
  requestTimeout: milliseconds,
  socketFactory: { holds: (value) => typeof value === 'function', text: 'a function' },
  createTopics: { holds: isCreation, text: 'false, or { partitions, replicationFactor } of whole numbers from 1' },
  sessionTimeoutMs: milliseconds,
  publishTimeoutMs: milliseconds,
  maxMessageBytes: whole,
  compression: {
    holds: (value) => compressions.includes(String(value)),
    text: `one of ${compressions.join(', ')}${canWriteZstd ? '' : '; zstd, from Node 22.15 on'}`,
  },
  compactedTopics: { holds: isNames, text: 'a list of names of topics' },
};

/**
 * They may come from JavaScript or from the environment. A wrong one would show as a broker that cannot be reached, for ever.
 *
 * @throws TypeError that lists everything that is wrong
 */
export function refuseUnfit(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError('kafka(...) has no options; give it { brokers: ["127.0.0.1:9092"] }.');
  const given = Object.entries({ brokers: undefined, ...options });
  const violations = given.flatMap(([name, value]) => violationOf(name, value));
  if (violations.length === 0) return;
  throw new TypeError(`kafka(...) has options of no use:\n${violations.map((one) => `  - ${one}`).join('\n')}`);
}

function violationOf(name: string, value: unknown): readonly string[] {
  const rule = Object.entries(rules).find(([known]) => known === name)?.[1];
  if (!rule) return [`${name.slice(0, 100)} is unknown; there are ${Object.keys(rules).join(', ')}`];
  const isLeftOut = value === undefined && name !== 'brokers';
  return isLeftOut || rule.holds(value) ? [] : [`${name} is ${told(value)}; it is ${rule.text}`];
}

/** A function of kafkajs's own finds them when they are needed. */
function areBrokers(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return Array.isArray(value) && value.length > 0 && value.every(isBroker);
}

function isBroker(value: unknown): boolean {
  const port = typeof value === 'string' ? /^[^\s,/]+:(\d{1,5})$/.exec(value)?.[1] : undefined;
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}

function isCreation(value: unknown): boolean {
  if (value === false) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { partitions, replicationFactor } = value as Partial<TopicCreation>;
  return whole.holds(partitions) && whole.holds(replicationFactor);
}

function told(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : `a list of ${value.slice(0, 5).map(told).join(', ')}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 100);
}
