import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import { foldSaga, waitingSteps, type SagaFact } from './saga-state.js';

const event = (type: string) => class extends DomainEvent(type, z.object({})) {};
const Loan = defineSaga('loan', {
  ask: { emits: event('loan.asked') },
  check: { after: 'ask', when: () => true, emits: event('loan.checked') },
  sign: { after: 'ask', awaits: 'signal', emits: event('loan.signed') },
  grant: { after: ['check', 'sign'], kind: 'pivot', awaits: 'signal', emits: event('loan.granted') },
});

const waiting = (...facts: SagaFact[]): readonly string[] => waitingSteps(Loan, foldSaga(Loan, facts));
const asked = { step: 'ask', outcome: 'done' } as const;
const signed = { step: 'sign', outcome: 'done' } as const;

describe('a step that awaits a signal waits, as far as is known', () => {
  test('once all before it is done or skipped, and until something is heard of it', () => {
    expect(waiting()).toEqual([]);
    expect(waiting(asked)).toEqual(['sign']);
    expect(waiting(asked, signed)).toEqual([]);
    expect(waiting(asked, signed, { step: 'check', outcome: 'skipped' })).toEqual(['grant']);
    expect(waiting(asked, signed, { step: 'check', outcome: 'done' }, { step: 'grant', outcome: 'done' })).toEqual([]);
  });

  test('and not in a saga that closes', () => {
    expect(waiting(asked, { step: 'check', outcome: 'rejected' })).toEqual([]);
  });
});
