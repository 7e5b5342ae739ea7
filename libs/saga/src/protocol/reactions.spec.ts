import { describe, expect, test } from 'vitest';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import { reactionsTo } from './reactions.js';
import type { Outcome } from './outcome.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};

/** a; b‖c; P; R */
const saga = defineSaga('fan-out', {
  a: { emits: event('a') },
  b: { after: 'a', emits: event('b') },
  c: { after: 'a', emits: event('c') },
  P: { after: ['b', 'c'], kind: 'pivot', emits: event('P') },
  R: { after: 'P', kind: 'retriable', emits: event('R') },
});

function heard(step: string, outcome: Outcome): string[] {
  return reactionsTo(saga, { step, outcome }).map(({ step: reader, signal }) => {
    const about = 'step' in signal ? ` ${signal.step}` : '';
    return `${reader}: ${signal.type}${about}`;
  });
}

describe('who reacts to an event, derived from the graph', () => {
  test.each<[string, Outcome, string[]]>([
    ['a', 'done', ['b: predecessorDone a', 'c: predecessorDone a']],
    ['b', 'done', ['P: predecessorDone b']],
    ['R', 'done', []],
    ['b', 'skipped', ['P: predecessorDone b']],
    ['a', 'rejected', ['b: predecessorClosed a', 'c: predecessorClosed a']],
    ['b', 'rejected', ['P: predecessorClosed b', 'a: successorClosed b']],
    ['P', 'rejected', ['R: predecessorClosed P', 'b: successorClosed P', 'c: successorClosed P']],
    ['c', 'cancelled', ['P: predecessorClosed c', 'a: successorClosed c']],
    ['R', 'cancelled', ['P: successorClosed R']],
    ['b', 'compensated', ['a: successorClosed b']],
    ['a', 'compensated', []],
    ['b', 'deadLettered', []],
  ])('%s %s', (step, outcome, expected) => {
    expect(heard(step, outcome)).toEqual(expected);
  });

  test('a request to abort reaches every step, whoever asks', () => {
    const all = ['a', 'b', 'c', 'P', 'R'].map((step) => `${step}: abortRequested`);
    expect(heard('a', 'abortRequested')).toEqual(all);
    expect(heard('an operator', 'abortRequested')).toEqual(all);
  });

  test.each(['z', '', 'constructor', 'toString', '__proto__'])('nobody reacts to the unknown step "%s"', (step) => {
    expect(heard(step, 'done')).toEqual([]);
    expect(heard(step, 'rejected')).toEqual([]);
  });

  test('the dead letter of a step after which the undo goes on releases the steps before it', () => {
    const goingOn = defineSaga('going-on', {
      a: { emits: event('a') },
      b: { after: 'a', onDeadLetter: 'continue', emits: event('b') },
      P: { after: 'b', emits: event('P') },
    });
    expect(reactionsTo(goingOn, { step: 'b', outcome: 'deadLettered' })).toEqual([
      { step: 'a', signal: { type: 'successorClosed', step: 'b' } },
    ]);
    expect(reactionsTo(goingOn, { step: 'a', outcome: 'deadLettered' })).toEqual([]);
  });
});
