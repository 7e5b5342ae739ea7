import fc from 'fast-check';
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
  fc.record({
    type: fc.constantFrom(
      'started',
      'abortRequested',
      'effectRecorded',
      'rejected',
      'outcomeUnknown',
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

/** Holds for every signal of every history that a step can have. */
function always(check: (step: StepShape, before: StepState, signal: Signal, after: StepState) => void): void {
  const histories = fc.property(anyStep, fc.array(anySignal, { maxLength: 25 }), (step, signals) => {
    let state = untouched;
    for (const signal of signals) {
      const next = advance(step, state, signal).state;
      check(step, state, signal, next);
      state = next;
    }
  });
  fc.assert(histories, { numRuns: 500 });
}

describe('whatever happens to a step', () => {
  test('a closed step stays as it is', () => {
    always((_step, before, _signal, after) => {
      if (isClosed(before.status)) expect(after).toEqual(before);
    });
  });

  test('its status moves right only, a redrive apart', () => {
    always((_step, before, { type }, after) => {
      if (type !== 'redrive') expect(rank[after.status]).toBeGreaterThanOrEqual(rank[before.status]);
    });
  });

  test('its sets only grow, and name each neighbor once', () => {
    always((_step, before, _signal, after) => {
      for (const set of ['predecessorsDone', 'successorsClosed'] as const) {
        expect(after[set].slice(0, before[set].length)).toEqual(before[set]);
        expect(new Set(after[set]).size).toBe(after[set].length);
      }
    });
  });

  test('the same signal again changes nothing and emits nothing', () => {
    always((step, _before, signal, after) => {
      const again = advance(step, after, signal);
      expect(again.state).toEqual(after);
      expect(again.emit).toBeUndefined();
    });
  });

  test('the order in which its sets grew makes no difference', () => {
    always((step, before, signal, after) => {
      const reversed: StepState = {
        ...before,
        predecessorsDone: before.predecessorsDone.toReversed(),
        successorsClosed: before.successorsClosed.toReversed(),
      };
      expect(advance(step, reversed, signal).state.status).toBe(after.status);
    });
  });

  test('nothing is undone but a compensatable step', () => {
    always((step, _before, _signal, after) => {
      if (['compensating', 'deadLettered', 'compensated'].includes(after.status))
        expect(step.role).toBe('compensatable');
    });
  });
});
