import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DomainEvent } from './domain-event.js';
import { defineSaga, type SagaOptions } from './define-saga.js';
import type { SagaGraph } from './saga-definition.js';
import type { StepSpec } from './step-spec.js';

const event = (type: string) => DomainEvent(type, z.object({}));
const define = defineSaga as (name: string, steps: Record<string, StepSpec>, options?: SagaOptions) => SagaGraph;

const inner = define(
  'claim',
  {
    register: { emits: event('claim.registered') },
    assess: { after: 'register', emits: event('claim.assessed') },
    check: { after: 'register', emits: event('claim.checked') },
  },
  { commits: 'withParent' },
);
const around = (settle: Partial<StepSpec>): SagaGraph =>
  define('case', {
    open: { emits: event('case.opened') },
    settle: { after: 'open', saga: inner, emits: event('claim.settled'), ...settle },
    approve: { after: 'settle', kind: 'pivot', emits: event('case.approved') },
  });

describe('a saga that commits with its parent', () => {
  it('ends with a commit step that waits for its parent, after all its last steps', () => {
    expect(inner).toMatchObject({ commits: 'withParent', commitPoint: 'commit', sinks: ['commit'] });
    expect(inner.steps['commit']).toMatchObject({ kind: 'pivot', awaits: 'signal', predecessors: ['assess', 'check'] });
    expect(inner.steps['register']?.role).toBe('compensatable');
  });

  it('has no pivot, no retriable step and no step named commit of its own', () => {
    const steps = {
      commit: { emits: event('a') },
      pay: { after: 'commit', kind: 'pivot', emits: event('b') },
      ship: { after: 'pay', kind: 'retriable', emits: event('c') },
    } satisfies Record<string, StepSpec>;
    const violation = expect.stringMatching(
      /step "commit": .*yours another[\s\S]*"pay" is pivot[\s\S]*"ship" is retriable/,
    ) as string;
    expect(() => define('claim', steps, { commits: 'withParent' })).toThrow(
      expect.objectContaining({ code: 'INVALID_SAGA_DEFINITION', message: violation }) as Error,
    );
  });
});

describe('a step that is a saga of its own', () => {
  it('knows that saga', () => {
    expect(around({}).steps['settle']?.nested).toEqual({ saga: inner });
  });

  it.each([
    ['a saga that commits alone', { saga: define('alone', { pay: { emits: event('d') } }) }, /commits alone/],
    ['what is no definition', { saga: { name: 'claim' } as SagaGraph }, /is no definition/],
    ['a pivot', { kind: 'pivot' as const }, /has to be compensatable/],
    [
      'events of its endings',
      { rejected: event('e'), compensated: event('f') },
      /remove rejected[\s\S]*remove compensated/,
    ],
    ['work outside', { effect: 'external' as const }, /remove effect/],
  ])('cannot be %s', (_what, spec, message) => {
    expect(() => around(spec)).toThrow(message);
  });

  it('has a result only with a saga', () => {
    const steps = { pay: { emits: event('g'), result: () => ({}) } };
    expect(() => define('alone', steps)).toThrow(/has a result but no saga/);
  });
});
