import fc from 'fast-check';
import { isDeepStrictEqual as equals } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { StepShape } from '../definition/saga-definition.js';
import { advance } from './step-machine.js';
import { isClosed, untouched, type Signal, type StepState } from './step-state.js';

const names = ['p', 'q', 's', 't'];

const anyStep: fc.Arbitrary<StepShape> = fc.record({
  name: fc.constant('x'),
  role: fc.constantFrom('compensatable', 'pivot', 'retriable'),
  predecessors: fc.subarray(['p', 'q']),
  successors: fc.subarray(['s', 't']),
});

const anySignal: fc.Arbitrary<Signal> = fc.oneof(
  fc.record({
    type: fc.constantFrom('predecessorDone', 'predecessorClosed', 'successorClosed'),
    step: fc.constantFrom(...names),
  }),
  fc.record({ type: fc.constantFrom('attemptBegun', 'attemptFailed'), attempt: fc.constantFrom('1', '2') }),
  fc.record({
    type: fc.constantFrom(
      'started',
      'abortRequested',
      'effectRecorded',
      'skipped',
      'rejected',
      'outcomeUnknown',
      'notHappened',
      'attemptsExhausted',
      'abandoned',
      'undone',
      'undoExhausted',
      'resolve',
      'waive',
      'redrive',
    ),
  }),
);

const rank = {
  none: 0,
  running: 1,
  done: 2,
  compensating: 3,
  deadLettered: 4,
  rejected: 5,
  cancelled: 5,
  compensated: 5,
};

/** A history of a step in which something does not hold after some signal; null when there is none. */
function historyAgainst(
  holds: (step: StepShape, before: StepState, signal: Signal, after: StepState) => boolean,
): unknown {
  const histories = fc.property(anyStep, fc.array(anySignal, { maxLength: 25 }), (step, signals) => {
    let before = untouched;
    return signals.every((signal) => {
      const after = advance(step, before, signal).state;
      const held = holds(step, before, signal, after);
      before = after;
      return held;
    });
  });
  return fc.check(histories, { numRuns: 1_000 }).counterexample;
}

describe('whatever happens to a step', { timeout: 60_000 }, () => {
  test('a closed step stays as it is', () => {
    const found = historyAgainst((_step, before, _signal, after) => !isClosed(before.status) || equals(after, before));
    expect(found).toBeNull();
  });

  test('its status moves right only, a redrive apart', () => {
    const found = historyAgainst(
      (_step, before, { type }, after) => type === 'redrive' || rank[after.status] >= rank[before.status],
    );
    expect(found).toBeNull();
  });

  test('it is never rejected for want of attempts, nor abandoned, while an outcome is unknown', () => {
    const found = historyAgainst(
      (_step, before, { type }, after) =>
        !before.undecided || (type !== 'attemptsExhausted' && type !== 'abandoned') || after.status === before.status,
    );
    expect(found).toBeNull();
  });

  test.each(['predecessorsDone', 'successorsClosed'] as const)(
    'the set %s only grows, and names each neighbor once',
    (set) => {
      const found = historyAgainst(
        (_step, before, _signal, after) =>
          equals(after[set].slice(0, before[set].length), before[set]) &&
          new Set(after[set]).size === after[set].length,
      );
      expect(found).toBeNull();
    },
  );

  test('the same signal again changes nothing and emits nothing', () => {
    const found = historyAgainst((step, _before, signal, after) => {
      const again = advance(step, after, signal);
      return equals(again.state, after) && again.emit === undefined;
    });
    expect(found).toBeNull();
  });

  test('the order in which its sets grew makes no difference', () => {
    const found = historyAgainst((step, before, signal, after) => {
      const predecessorsDone = before.predecessorsDone.toReversed();
      const successorsClosed = before.successorsClosed.toReversed();
      return advance(step, { ...before, predecessorsDone, successorsClosed }, signal).state.status === after.status;
    });
    expect(found).toBeNull();
  });

  test('nothing is undone but a compensatable step', () => {
    const found = historyAgainst(
      ({ role }, _before, _signal, { status }) =>
        role === 'compensatable' || !['compensating', 'deadLettered', 'compensated'].includes(status),
    );
    expect(found).toBeNull();
  });

  test('a step that is undone was done, and everything right after it is closed', () => {
    const found = historyAgainst(
      ({ successors }, before, _signal, after) =>
        after.status !== 'compensating' ||
        (['running', 'done', 'compensating', 'deadLettered'].includes(before.status) &&
          successors.every((name) => after.successorsClosed.includes(name))),
    );
    expect(found).toBeNull();
  });
});
