import { logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { routedTo } from './kafka-logger.js';

test('what the adapter reports itself is a detail of kafkajs, the rest a warning', () => {
  const lines: string[] = [];
  const keep = (level: string) => (line: string) => void lines.push(`${level}: ${line}`);
  const logger = { error: keep('error'), warn: keep('warn'), log: keep('log'), debug: keep('debug') };
  const tell = routedTo(logger)(logLevel.WARN);
  const say = (message: string): void =>
    tell({ namespace: 'Connection', level: logLevel.ERROR, label: 'ERROR', log: { timestamp: '', message } });
  say('Connection error: connect ECONNREFUSED 127.0.0.1:9092');
  say('Failed to connect to seed broker, trying another broker from the list: Connection timeout');
  say('The group coordinator is lost in thought');
  expect(lines.map((line) => line.slice(0, 60))).toEqual([
    'debug: kafkajs Connection: Connection error: connect ECONNRE',
    'debug: kafkajs Connection: Failed to connect to seed broker,',
    'warn: kafkajs Connection: The group coordinator is lost in t',
  ]);
});
