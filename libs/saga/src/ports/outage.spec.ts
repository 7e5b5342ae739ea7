import { beforeEach, expect, test } from 'vitest';
import { Outage } from './outage.js';

let lines: string[];
let outage: Outage;
let time: number;
beforeEach(() => {
  lines = [];
  time = 0;
  const keep = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
  outage = new Outage('the database', { warn: keep('warn'), log: keep('log') }, () => new Date(time));
});

const refused = new Error('connect ECONNREFUSED 127.0.0.1:5432');

test('an outage is told when it begins and when it is over for all', () => {
  outage.failed('looking for due attempts', refused);
  outage.failed('sweeping the outbox', new Error('Connection terminated unexpectedly'));
  outage.failed('looking for due attempts', new Error('the database system is starting up'));
  time = 12_000;
  outage.worked('looking for due attempts');
  expect(lines).toEqual([
    expect.stringMatching(/^warn Trouble with the database: looking for due attempts failed .*: connect ECONNREFUSED/),
  ]);
  outage.worked('sweeping the outbox');
  expect(lines.slice(1)).toEqual(['log No more trouble with the database, after 12 s.']);
});

test('another reason is told as well, once', () => {
  outage.failed('looking for due attempts', refused);
  for (const _ of [1, 2]) outage.failed('sweeping the outbox', new Error('relation "saga_outbox" does not exist'));
  expect(lines).toHaveLength(2);
});

test('what works says nothing, and the next outage is told anew', () => {
  outage.worked('looking for due attempts');
  expect(lines).toEqual([]);
  for (const _ of [1, 2]) {
    outage.failed('looking for due attempts', refused);
    outage.worked('looking for due attempts');
  }
  expect(lines).toHaveLength(4);
});
