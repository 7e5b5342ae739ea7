import { describe, expect, test } from 'vitest';
import { InvalidSagaDefinition } from './checks.js';
import { defineSaga, type SagaOptions } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import type { StepSpec } from './step-spec.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};
const a = event('a');
const b = event('b');
const c = event('c');
const d = event('d');
const x = event('x');

/** As JavaScript, or a definition made at run time, may call it. */
function violationsOf(steps: Record<string, StepSpec>, name = 'saga', options?: SagaOptions): readonly string[] {
  try {
    defineSaga(name, steps as Record<string, never>, options);
  } catch (error) {
    if (error instanceof InvalidSagaDefinition) return error.violations;
    throw error;
  }
  return [];
}

describe('a definition is refused', () => {
  test.each<[rule: string, steps: Record<string, StepSpec>, violations: string[]]>([
    [
      'with a cycle',
      { a: { emits: a }, b: { after: ['a', 'c'], emits: b }, c: { after: 'b', emits: c }, d: { after: 'c', emits: d } },
      ['steps "b", "c" form a cycle; a saga runs forward only, remove one of their after'],
    ],
    [
      'with a step after itself',
      { a: { emits: a }, b: { after: ['a', 'b'], emits: b }, c: { after: 'b', emits: c } },
      ['steps "b" form a cycle; a saga runs forward only, remove one of their after'],
    ],
    [
      'with nothing but a cycle',
      { a: { after: 'b', emits: a }, b: { after: 'a', emits: b } },
      ['steps "a", "b" form a cycle; a saga runs forward only, remove one of their after'],
    ],
    [
      'with several sources',
      { a: { emits: a }, b: { emits: b }, c: { after: ['a', 'b'], emits: c } },
      ['steps "a", "b" are all sources; a saga starts with one step, give the others an after'],
    ],
    [
      'with an unknown predecessor',
      { a: { emits: a }, b: { after: ['a', 'constructor'], emits: b } },
      ['step "b" comes after "constructor", which is no step of this saga; add it or correct the name'],
    ],
    [
      'with a predecessor named twice',
      { a: { emits: a }, b: { after: ['a', 'a'], emits: b } },
      ['step "b" names "a" twice in after; name it once'],
    ],
    [
      'with an outside event on a step that is not the source',
      { a: { emits: a }, b: { after: 'a', on: x, emits: b } },
      ['step "b" is not the source, so it cannot have on; only the first step is started from outside'],
    ],
    [
      'with an input on a step that is not the source',
      { a: { emits: a }, b: { after: 'a', input: schema, emits: b } },
      ['step "b" is not the source, so it cannot have input; only the first step is started from outside'],
    ],
    [
      'with both an outside event and an input',
      { a: { on: x, input: schema, emits: a } },
      ['step "a" has both on and input; an outside event is its own input, keep one'],
    ],
    [
      'with a misspelled predecessor, which leaves open where the step belongs',
      {
        a: { emits: a },
        p: { after: 'a', kind: 'pivot', emits: b },
        r: { after: ['a', 'P'], kind: 'retriable', emits: c },
      },
      ['step "r" comes after "P", which is no step of this saga; add it or correct the name'],
    ],
    [
      'with a second source beside a branch that is not joined, which are two mistakes',
      {
        a: { emits: a },
        x: { emits: x },
        p: { after: 'a', kind: 'pivot', emits: b },
        c: { after: ['a', 'x'], emits: c },
      },
      [
        'steps "a", "x" are all sources; a saga starts with one step, give the others an after',
        'step "c" runs beside the pivot "p", so it could be left done when the pivot is refused; join it into the pivot, or place it after the pivot',
      ],
    ],
    ['without steps', {}, ['it has no steps; declare at least one']],
    [
      'with a step whose name cannot travel',
      { 'create task': { emits: a } },
      ['step "create task": name it with up to 100 letters, digits, "_" or "-", starting with a letter'],
    ],
  ])('%s', (_rule, steps, violations) => {
    expect(violationsOf(steps)).toEqual(violations);
  });

  test.each(['', 'task assignment', '1st', 'a'.repeat(101)])(
    'with the name "%s", which cannot name a topic',
    (name) => {
      expect(violationsOf({ a: { emits: a } }, name)).toEqual([
        'its name must be up to 100 letters, digits, ".", "_" or "-", starting with a letter',
      ]);
    },
  );

  test('with names too long for the events of its steps', () => {
    const step = 'aB'.repeat(50);
    expect(violationsOf({ [step]: { emits: a } }, 'saga'.repeat(25))[0]).toMatch(
      /has a name of over 200 letters; shorten the name of the step$/,
    );
    expect(violationsOf({ ['b'.repeat(88)]: { emits: a } }, 'saga'.repeat(25))).toHaveLength(1);
    expect(violationsOf({ ['b'.repeat(87)]: { emits: a } }, 'saga'.repeat(25))).toEqual([]);
  });

  test.each([0, -1, 1.5, Number.NaN, '2' as never])('with the version %s', (version) => {
    expect(violationsOf({ a: { emits: a } }, 'saga', { version })).toEqual([
      'its version must be a whole number from 1 to 999999999',
    ]);
  });
});

test('one error lists everything that is wrong, and how to mend each', () => {
  const steps: Record<string, StepSpec> = {
    first: { emits: a },
    second: { emits: a },
    lost: { after: 'nowhere', emits: b },
    left: { after: ['first', 'right'], emits: event('left') },
    right: { after: 'left', emits: event('right') },
    aside: { after: 'first', emits: event('aside') },
    pivot: { after: ['first', 'second'], kind: 'pivot', emits: c },
    pivotToo: { after: 'pivot', kind: 'pivot', emits: d },
    undoable: { after: 'pivotToo', emits: event('undoable') },
    stubborn: { after: 'pivotToo', kind: 'retriable', emits: x, rejected: event('refused') },
  };
  expect(() => defineSaga('broken', steps as Record<string, never>, { version: 0 }))
    .toThrowErrorMatchingInlineSnapshot(`
    [InvalidSagaDefinition: Saga "broken" is not sound:
      - event "a" is used by "first.emits", "second.emits"; give each outcome of each step an event of its own
      - step "lost" comes after "nowhere", which is no step of this saga; add it or correct the name
      - steps "left", "right" form a cycle; a saga runs forward only, remove one of their after
      - steps "first", "second" are all sources; a saga starts with one step, give the others an after
      - steps "pivot", "pivotToo" are all pivots; a saga commits at one point, keep one pivot
      - step "aside" runs beside the pivot "pivot", so it could be left done when the pivot is refused; join it into the pivot, or place it after the pivot
      - step "undoable" is compensatable but comes after the pivot "pivot", where nothing is undone; declare it retriable, or move it before the pivot
      - step "stubborn" is retriable and cannot be rejected; remove its rejected event, or move it before the pivot
      - its version must be a whole number from 1 to 999999999]
  `);
});
