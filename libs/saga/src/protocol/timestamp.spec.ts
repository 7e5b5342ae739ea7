import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTimestamp } from './timestamp.js';

test.each([
  '2026-03-01T10:20:30.456Z',
  '2026-03-01T10:20:30Z',
  '2026-03-01t10:20:30.123456789z',
  '2026-03-01T10:20:30+02:00',
  '2024-02-29T00:00:00Z',
  '2000-02-29T00:00:00Z',
  '0001-01-01T00:00:00-12:30',
])('%s is a timestamp', (text) => {
  expect(isTimestamp(text)).toBe(true);
});

test.each([
  '',
  'yesterday',
  '2026-03-01',
  '2026-03-01T10:20:30',
  '2026-03-01 10:20:30Z',
  '2026-3-1T10:20:30Z',
  '2026-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:60Z',
  '2026-01-01T00:00:00+2:00',
  '+12026-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z\n',
])('%j is none', (text) => {
  expect(isTimestamp(text)).toBe(false);
});

test('whatever a clock can say is a timestamp', () => {
  const anyDate = fc.date({
    noInvalidDate: true,
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
  });
  const found = fc.check(fc.property(anyDate, (date) => isTimestamp(date.toISOString()))).counterexample;
  expect(found).toBeNull();
});

test.each(['2026-03-01T00:00:00+23:59', '0001-01-01T00:00:00-23:59', `2026-03-01t00:00:00.${'9'.repeat(400)}z`])(
  'what is taken for a timestamp can be compared as a time: %s',
  (text) => {
    expect(isTimestamp(text)).toBe(true);
    expect(Date.parse(text)).not.toBeNaN();
  },
);
