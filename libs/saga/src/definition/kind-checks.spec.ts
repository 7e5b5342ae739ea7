import { describe, expect, test } from 'vitest';
import { DomainEvent } from './domain-event.js';
import { commitPointViolations, kindViolations } from './kind-checks.js';
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

describe('a definition is refused', () => {
  test.each<[rule: string, steps: Record<string, StepSpec>, violations: string[]]>([
    [
      'with two commit points',
      { a: { emits: a }, b: { after: 'a', kind: 'pivot', emits: b }, c: { after: 'b', kind: 'pivot', emits: c } },
      ['steps "b", "c" are all pivots; a saga commits at one point, keep one pivot'],
    ],
    [
      'with two sinks and no pivot',
      { a: { emits: a }, b: { after: 'a', emits: b }, c: { after: 'a', emits: c } },
      [
        'steps "b", "c" are all last and no pivot is named; join them in one step, or declare a pivot before them and make them retriable',
      ],
    ],
    [
      'with a sink before the pivot that no join leads to it',
      { a: { emits: a }, b: { after: 'a', emits: b }, p: { after: 'a', kind: 'pivot', emits: c } },
      [
        'step "b" runs beside the pivot "p", so it could be left done when the pivot is refused; join it into the pivot, or place it after the pivot',
      ],
    ],
    [
      'with a branch that passes the pivot by',
      {
        a: { emits: a },
        b: { after: 'a', emits: b },
        p: { after: 'a', kind: 'pivot', emits: c },
        r: { after: ['b', 'p'], kind: 'retriable', emits: d },
      },
      [
        'step "b" runs beside the pivot "p", so it could be left done when the pivot is refused, or place it after the pivot',
      ],
    ],
    [
      'with a compensatable step after the pivot',
      { a: { kind: 'pivot', emits: a }, b: { after: 'a', emits: b } },
      [
        'step "b" is compensatable but comes after the pivot "a", where nothing is undone; declare it retriable, or move it before the pivot',
      ],
    ],
    [
      'with a retriable step before the pivot',
      { a: { kind: 'retriable', emits: a }, b: { after: 'a', kind: 'pivot', emits: b } },
      [
        'step "a" is retriable but comes before the pivot "b"; only steps after the pivot are, make it compensatable or readOnly',
      ],
    ],
    [
      'with a retriable step as its commit point',
      { a: { emits: a }, b: { after: 'a', kind: 'retriable', emits: b } },
      [
        'step "b" is the last step and the commit point, so it may be refused; declare it a pivot, or name another pivot before it',
      ],
    ],
    [
      'with a retriable step that has a rejected event',
      { a: { kind: 'pivot', emits: a }, b: { after: 'a', kind: 'retriable', emits: b, rejected: x } },
      ['step "b" is retriable and cannot be rejected; remove its rejected event, or move it before the pivot'],
    ],
    [
      'with a read-only step after the pivot that has a rejected event',
      { a: { kind: 'pivot', emits: a }, b: { after: 'a', kind: 'readOnly', emits: b, rejected: x } },
      ['step "b" comes after the pivot "a", so it cannot be rejected; remove its rejected event'],
    ],
    [
      'with a compensated event on the pivot',
      { a: { kind: 'pivot', emits: a, compensated: x } },
      ['step "a" is the commit point and is never undone; remove its compensated event'],
    ],
    [
      'with a compensated event on its only sink',
      { a: { emits: a }, b: { after: 'a', emits: b, compensated: x } },
      ['step "b" is the commit point and is never undone; remove its compensated event'],
    ],
    [
      'with a compensated event on a retriable step',
      { a: { kind: 'pivot', emits: a }, b: { after: 'a', kind: 'retriable', emits: b, compensated: x } },
      ['step "b" is retriable and is never undone; remove its compensated event'],
    ],
    [
      'with a compensated event on a read-only step',
      { a: { kind: 'readOnly', emits: a, compensated: x }, b: { after: 'a', emits: b } },
      ['step "a" is readOnly and is never undone; remove its compensated event'],
    ],
    [
      'with steps that are never undone and say what becomes of a dead letter of their undo',
      {
        a: { emits: a },
        r: { after: 'a', kind: 'readOnly', emits: x, onDeadLetter: 'halt' },
        b: { after: ['a', 'r'], kind: 'pivot', emits: b, onDeadLetter: 'continue' },
        c: { after: 'b', kind: 'retriable', emits: c, onDeadLetter: 'continue' },
      },
      [
        'step "r" is readOnly and is never undone; remove its onDeadLetter',
        'step "b" is the commit point and is never undone; remove its onDeadLetter',
        'step "c" is retriable and is never undone; remove its onDeadLetter',
      ],
    ],
    [
      'with a source after whose dead letter the undo is to go on, which is its end',
      { a: { emits: a, onDeadLetter: 'continue' }, b: { after: 'a', emits: b } },
      ['step "a" is the source, so nothing is left to go on with after its dead letter; remove its onDeadLetter'],
    ],
    [
      'with two retriable sinks and no pivot before them, which is one mistake',
      {
        a: { emits: a },
        b: { after: 'a', kind: 'retriable', emits: b },
        c: { after: 'a', kind: 'retriable', emits: c },
      },
      [
        'steps "b", "c" are all last and no pivot is named; join them in one step, or declare a pivot before them and make them retriable',
      ],
    ],
  ])('%s', (_rule, steps, violations) => {
    expect([...commitPointViolations(steps), ...kindViolations(steps)]).toEqual(violations);
  });
});
