import { describe, expect, test } from 'vitest';
import { DomainEvent } from './domain-event.js';
import { eventViolations } from './event-checks.js';
import type { StepSpec } from './step-spec.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const strict = {
  '~standard': { version: 1, vendor: 'spec', validate: () => ({ issues: [{ message: 'expected { taskId }' }] }) },
} as const;

const event = (type: string) => class extends DomainEvent(type, schema) {};
const a = event('a');
const b = event('b');

describe('a definition is refused', () => {
  test.each<[rule: string, steps: Record<string, StepSpec>, violations: string[]]>([
    [
      'with an event used by two steps',
      { a: { emits: a }, b: { after: 'a', emits: a } },
      ['event "a" is used by "a.emits", "b.emits"; give each outcome of each step an event of its own'],
    ],
    [
      'with an event used for two outcomes of a step',
      { a: { emits: a, rejected: event('a') } },
      ['event "a" is used by "a.emits", "a.rejected"; give each outcome of each step an event of its own'],
    ],
    [
      'with a start event that a step emits',
      { a: { on: b, emits: a }, b: { after: 'a', emits: b } },
      ['event "b" is used by "a.on", "b.emits"; give each outcome of each step an event of its own'],
    ],
    [
      'with an event named as the library names a default',
      { a: { emits: a }, b: { after: 'a', emits: event('saga.a.cancelled') } },
      [
        'event "saga.a.cancelled" is used by "the default a.cancelled", "b.emits"; give each outcome of each step an event of its own',
      ],
    ],
    [
      'with something else than an event',
      { a: { emits: undefined as never }, b: { after: 'a', emits: b, cancelled: 'task.cancelled' as never } },
      [
        'step "a": its emits is no event class; make one with DomainEvent',
        'step "b": its cancelled is no event class; make one with DomainEvent',
      ],
    ],
    [
      'with a cancelled event that the library cannot make',
      { a: { emits: a, cancelled: class extends DomainEvent('task.cancelled', strict) {} } },
      [
        'step "a": the library makes its cancelled event "task.cancelled", so its schema must accept { failedStep, reason }',
      ],
    ],
  ])('%s', (_rule, steps, violations) => {
    expect(eventViolations('saga', steps)).toEqual(violations);
  });

  test.each(['rejected', 'compensated'])(
    'with an event named as the default %s, also beside a declared one',
    (outcome) => {
      const steps = { a: { emits: a, [outcome]: b }, b: { after: 'a', emits: event(`saga.a.${outcome}`) } };
      expect(eventViolations('saga', steps)).toEqual([
        `event "saga.a.${outcome}" is used by "the default a.${outcome}", "b.emits"; give each outcome of each step an event of its own`,
      ]);
    },
  );
});

test('a default that a declared cancelled event replaces leaves its name free', () => {
  const steps = { a: { emits: a, cancelled: b }, b: { after: 'a', emits: event('saga.a.cancelled') } };
  expect(eventViolations('saga', steps)).toEqual([]);
});
