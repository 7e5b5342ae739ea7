import { describe, expect, test } from 'vitest';
import { InvalidSagaDefinition } from './checks.js';
import { defineSaga } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import type { StepSpec } from './step-spec.js';
import { timeViolations } from './time-checks.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};
const a = event('a');
const b = event('b');
const p = event('p');
const r = event('r');

/** a, b, P, R, with what a test changes. */
function linear(change: Record<string, Partial<StepSpec>>): Record<string, StepSpec> {
  return {
    a: { emits: a, ...change['a'] },
    b: { after: 'a', emits: b, ...change['b'] },
    p: { after: 'b', kind: 'pivot', emits: p, ...change['p'] },
    r: { after: 'p', kind: 'retriable', emits: r, ...change['r'] },
  };
}

describe('times of a saga', () => {
  test('are kept as they were declared', () => {
    const saga = defineSaga(
      'opening',
      {
        a: { emits: a, expires: 1 },
        b: { after: 'a', emits: b, expires: 86_400_000, deadline: 5_000 },
        p: { after: 'b', kind: 'pivot', emits: p, deadline: 259_200_000, awaits: 'signal' },
        r: { after: 'p', kind: 'retriable', emits: r, deadline: 60_000, awaits: 'signal' },
      },
      { deadline: 345_600_000 },
    );
    expect(saga.deadline).toBe(345_600_000);
    expect(saga.steps.b).toMatchObject({ expires: 86_400_000, deadline: 5_000 });
    expect(saga.steps.b).not.toHaveProperty('awaits');
    expect(saga.steps.p).toMatchObject({ deadline: 259_200_000, awaits: 'signal' });
  });

  test.each<[rule: string, change: Record<string, Partial<StepSpec>>, violations: readonly string[]]>([
    [
      'a time that is no whole number of milliseconds from 1',
      { b: { deadline: 0, expires: 1.5 }, p: { deadline: Infinity }, r: { deadline: -1 } },
      [
        'step "b" has the deadline 0; give a whole number of milliseconds from 1',
        'step "b" has the expires 1.5; give a whole number of milliseconds from 1',
        'step "p" has the deadline Infinity; give a whole number of milliseconds from 1',
        'step "r" has the deadline -1; give a whole number of milliseconds from 1',
      ],
    ],
    [
      'a time that is no number at all',
      { b: { deadline: '5 s' as never }, p: { deadline: Object.create(null) as never } },
      [
        'step "b" has the deadline 5 s; give a whole number of milliseconds from 1',
        'step "p" has the deadline of type object; give a whole number of milliseconds from 1',
      ],
    ],
    [
      'a deadline on a first step that is never left running',
      { a: { deadline: 1_000 } },
      [
        'step "a" is done or refused before the request that starts the saga is answered, so its deadline never ends; remove it, or give the saga a deadline',
      ],
    ],
    [
      'a reservation of what is never undone',
      { p: { expires: 1_000 }, r: { expires: 1_000 }, b: { kind: 'readOnly', expires: 1_000 } },
      [
        'step "b" is readOnly and holds nothing that could expire; remove its expires',
        'step "p" is the commit point, so what it did is never undone and cannot expire; remove its expires',
        'step "r" does not come before the pivot "p", so what it did is never undone and cannot expire; remove its expires',
      ],
    ],
    [
      'a step that works outside and awaits a signal',
      { p: { effect: 'external', awaits: 'signal' } },
      [
        'step "p" works outside the database and awaits a signal; let one step do the work and the next one wait for the answer',
      ],
    ],
    [
      'a step that awaits something else',
      { p: { awaits: 'event' as never } },
      ['step "p" awaits event; a step awaits a \'signal\''],
    ],
  ])('are refused with %s', (_rule, change, violations) => {
    expect(timeViolations(linear(change), undefined)).toEqual(violations);
  });

  test.each<[rule: string, spec: Partial<StepSpec>]>([
    ['begins with an outside event', { on: event('x') }],
    ['works outside the database', { effect: 'external' }],
    ['awaits a signal', { awaits: 'signal' }],
  ])('may have a deadline on a first step that %s', (_rule, spec) => {
    expect(timeViolations(linear({ a: { deadline: 1_000, ...spec } }), undefined)).toEqual([]);
  });

  test('are refused with a deadline of the saga that is no time, or that can never end', () => {
    expect(timeViolations(linear({}), 0.5)).toEqual([
      'it has the deadline 0.5; give a whole number of milliseconds from 1',
    ]);
    expect(
      timeViolations({ p: { kind: 'pivot', emits: p }, r: { after: 'p', kind: 'retriable', emits: r } }, 1),
    ).toEqual(['its first step "p" is its commit point, so its deadline never ends; give the step a deadline']);
  });

  test("are refused up to the pivot where the saga's own deadline comes first", () => {
    const times = { deadline: 60_000, expires: 60_000 };
    expect(timeViolations(linear({ a: { expires: 60_000 }, b: times, p: { deadline: 90_000 } }), 60_000)).toEqual([
      'step "a" has the expires 60000, but the saga\'s own deadline, 60000, comes first, so it never ends anything; make it shorter, or remove it',
      'step "b" has the deadline 60000, but the saga\'s own deadline, 60000, comes first, so it never ends anything; make it shorter, or remove it',
      'step "b" has the expires 60000, but the saga\'s own deadline, 60000, comes first, so it never ends anything; make it shorter, or remove it',
      'step "p" has the deadline 90000, but the saga\'s own deadline, 60000, comes first, so it never ends anything; make it shorter, or remove it',
    ]);
    expect(timeViolations(linear({ b: times, r: { deadline: 90_000 } }), 60_001)).toEqual([]);
    expect(timeViolations(linear({ b: times }), undefined)).toEqual([]);
  });

  test('are told together with everything else that is wrong', () => {
    const wrong = () => defineSaga('opening', { a: { emits: a }, b: { emits: b, deadline: 0 } }, { deadline: -5 });
    expect(wrong).toThrow(InvalidSagaDefinition);
    expect(wrong).toThrow(/are all sources.*deadline 0;.*it has the deadline -5/s);
  });
});
