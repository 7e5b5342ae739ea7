import { describe, expect, test } from 'vitest';
import { InvalidSagaDefinition } from './checks.js';
import { defineSaga } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import { shapeViolations } from './shape-checks.js';
import type { StepSpec } from './step-spec.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};
const a = event('a');
const b = event('b');
const c = event('c');
const when = (): boolean => true;
const each = (): readonly string[] => [];

describe('a definition is refused', () => {
  test.each<[rule: string, steps: Record<string, StepSpec>, violations: string[]]>([
    [
      'with a source that may be skipped',
      { a: { emits: a, when }, b: { after: 'a', emits: b } },
      ['step "a" is the source and cannot be skipped; remove its when, or do not start the saga'],
    ],
    [
      'with a pivot that may be skipped',
      { a: { emits: a }, b: { after: 'a', kind: 'pivot', emits: b, when } },
      ['step "b" is the commit point and cannot be skipped; remove its when, or let it decide inside its method'],
    ],
    [
      'with a last step that may be skipped and is the commit point',
      { a: { emits: a }, b: { after: 'a', emits: b, when } },
      ['step "b" is the commit point and cannot be skipped; remove its when, or let it decide inside its method'],
    ],
    [
      'with a source or a commit point of several branches',
      { a: { emits: a, each }, b: { after: 'a', emits: b, each } },
      [
        'step "a" is the source, whose event names the branches, so it has none; remove its each',
        'step "b" is the commit point, and a saga commits at one point; remove its each, or join its branches in a step that commits',
      ],
    ],
    [
      'with branches that are no function',
      {
        a: { emits: a },
        b: { after: 'a', emits: b, each: ['x'] as never },
        c: { after: 'b', emits: c },
      },
      ['step "b": its each is no function of the source\'s event; make it one'],
    ],
    [
      'with a condition that is no function',
      { a: { emits: a }, b: { after: 'a', emits: b, when: true as never }, c: { after: 'b', emits: c } },
      ['step "b": its when is no function of its input; make it one'],
    ],
  ])('%s', (_rule, steps, violations) => {
    expect(shapeViolations(steps)).toEqual(violations);
  });

  test('with all that is wrong with its shapes among everything else', () => {
    const steps = { a: { emits: a, when }, 'b c': { after: 'a', kind: 'pivot', emits: b, when } };
    const refused = (() => {
      try {
        return defineSaga('saga', steps as never);
      } catch (error) {
        return error;
      }
    })();
    expect((refused as InvalidSagaDefinition).violations).toHaveLength(3);
  });

  test('with an event of the type that the library gives to a skipped step', () => {
    const steps = {
      a: { emits: event('saga.b.skipped') },
      b: { after: 'a', emits: b, when },
      c: { after: 'b', emits: c },
    };
    expect(() => defineSaga('saga', steps as never)).toThrow(
      'event "saga.b.skipped" is used by "a.emits", "the default b.skipped"',
    );
  });
});

test('a conditional step may stand before and after the pivot', () => {
  const saga = defineSaga('saga', {
    a: { emits: a },
    b: { after: 'a', kind: 'pivot', emits: b },
    c: { after: 'b', kind: 'retriable', emits: c, when },
  });
  expect(saga.steps.c).toMatchObject({ role: 'retriable', when });
  expect(saga.steps.c.events.skipped?.type).toBe('saga.c.skipped');
  expect(saga.steps.b.events.skipped).toBeUndefined();
});
