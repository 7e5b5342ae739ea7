import { describe, expect, test } from 'vitest';
import { OutcomeUnknown, SagaError, StepRejected } from './errors.js';
import { PoisonRecord } from './wire.js';

describe('errors', () => {
  test('carry their facts as fields', () => {
    const cause = new Error('timeout');
    const error = new SagaError(
      'STEP_PARKED',
      'Step "a" is parked.',
      { sagaId: 's-1', step: 'a', retriable: true },
      { cause },
    );
    expect(error).toMatchObject({
      name: 'SagaError',
      code: 'STEP_PARKED',
      message: 'Step "a" is parked.',
      facts: { sagaId: 's-1', step: 'a', retriable: true },
      cause,
    });
  });

  test('a poison record says what is wrong with it and is not worth a retry', () => {
    const poison = new PoisonRecord('its value is no JSON');
    expect(poison).toBeInstanceOf(SagaError);
    expect(poison).toMatchObject({
      code: 'POISON_RECORD',
      reason: 'its value is no JSON',
      facts: { retriable: false },
    });
    expect(poison.message).toBe('The record is no saga event: its value is no JSON.');
  });

  test('a poison record that is quoted in its reason cannot flood a log or break its lines', () => {
    const { reason, message } = new PoisonRecord(`type "a\nERROR forged ${'x'.repeat(9_000)}" is unknown`);
    expect(reason).toHaveLength(1_000);
    expect(message).toMatch(/^The record is no saga event: type "a ERROR forged x+….$/);
  });

  test('a business no and an unknown outcome are told apart by type and code', () => {
    expect(new StepRejected('over capacity')).toMatchObject({
      code: 'STEP_REJECTED',
      reason: 'over capacity',
      message: 'over capacity',
    });
    const cause = new Error('socket hang up');
    expect(new OutcomeUnknown('no answer', { cause })).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: 'no answer',
      cause,
    });
    expect(new OutcomeUnknown()).not.toBeInstanceOf(StepRejected);
  });
});
