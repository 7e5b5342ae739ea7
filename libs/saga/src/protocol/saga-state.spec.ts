import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import type { Outcome } from './outcome.js';
import { foldSaga, isTerminal, type SagaFact, type SagaStatus } from './saga-state.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};

const saga = defineSaga('task-assignment', {
  create: { emits: event('created') },
  assign: { after: 'create', emits: event('assigned') },
  notify: { after: 'assign', kind: 'pivot', emits: event('notified') },
  remind: { after: 'notify', kind: 'retriable', emits: event('reminded') },
  archive: { after: 'notify', kind: 'retriable', emits: event('archived') },
});

/** `'create done, assign rejected'` as facts. */
function facts(text: string): SagaFact[] {
  return text
    .split(', ')
    .filter(Boolean)
    .map((fact) => {
      const [step, outcome] = fact.split(' ');
      return { step: step!, outcome: outcome as Outcome };
    });
}

const statusOf = (text: string) => foldSaga(saga, facts(text)).status;

const complete = 'create done, assign done, notify done, remind done, archive done';
const closedBackwards =
  'create done, assign done, notify rejected, remind cancelled, archive cancelled, assign compensated, create compensated';

describe('the state of a saga', () => {
  test.each<[status: SagaStatus, facts: string]>([
    ['unknown', ''],
    ['unknown', 'create abortRequested'],
    ['unknown', 'stranger done'],
    ['running', 'create done'],
    ['running', 'notify done'],
    ['running', 'create done, create abortRequested'],
    ['running', 'create done, assign done, notify done, remind done'],
    ['completed', complete],
    ['completed', 'create done, remind skipped, archive done'],
    ['running', 'create done, assign skipped'],
    ['completed', 'remind done, archive done'],
    ['compensating', 'assign rejected'],
    ['compensating', 'create done, assign done, notify rejected'],
    ['compensating', 'create done, assign cancelled'],
    ['compensating', 'assign compensated'],
    ['needsIntervention', 'create done, assign done, notify rejected, assign deadLettered'],
    ['needsIntervention', 'assign deadLettered'],
    ['compensating', 'assign deadLettered, assign compensated'],
    ['needsIntervention', 'assign deadLettered, assign compensated, create deadLettered'],
    ['aborted', 'create rejected'],
    ['aborted', 'create cancelled'],
    ['aborted', 'create compensated'],
    ['aborted', closedBackwards],
    ['aborted', 'assign deadLettered, create compensated'],
  ])('%s: %s', (status, text) => {
    expect(statusOf(text)).toBe(status);
  });

  test('the outcome of a step that is told is the furthest that is known', () => {
    expect(foldSaga(saga, facts('create done, assign done, notify rejected, assign deadLettered')).steps).toEqual({
      create: 'done',
      assign: 'deadLettered',
      notify: 'rejected',
    });
    expect(foldSaga(saga, facts(`${closedBackwards}, assign deadLettered, create abortRequested`)).steps).toEqual({
      create: 'compensated',
      assign: 'compensated',
      notify: 'rejected',
      remind: 'cancelled',
      archive: 'cancelled',
    });
  });

  test('completed and aborted are terminal', () => {
    const statuses: SagaStatus[] = ['unknown', 'running', 'compensating', 'needsIntervention', 'completed', 'aborted'];
    expect(statuses.filter(isTerminal)).toEqual(['completed', 'aborted']);
  });
});

describe('arrival order and duplicates change nothing', { timeout: 60_000 }, () => {
  test.each([complete, closedBackwards])('every order of: %s', (run) => {
    const expected = foldSaga(saga, facts(run));
    let orders = 0;
    for (const order of permutations(facts(run))) {
      orders++;
      expect(foldSaga(saga, order)).toEqual(expected);
    }
    expect(orders).toBe(run === complete ? 120 : 5040);
  });

  test('any facts at all, shuffled and repeated', () => {
    const anyFact = fc.record({
      step: fc.constantFrom('create', 'assign', 'notify', 'remind', 'stranger'),
      outcome: fc.constantFrom<Outcome[]>(
        'done',
        'rejected',
        'cancelled',
        'compensated',
        'deadLettered',
        'abortRequested',
      ),
    });
    const shuffled = fc
      .array(anyFact, { maxLength: 8 })
      .chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all, ...all], { minLength: all.length * 3 })),
      );
    fc.assert(
      fc.property(shuffled, ([all, again]) => {
        const { inconsistencies: first, ...expected } = foldSaga(saga, all);
        const { inconsistencies: second, ...state } = foldSaga(saga, again);
        expect(state).toEqual(expected);
        expect(second.toSorted()).toEqual(first.toSorted());
      }),
      { numRuns: 300 },
    );
  });
});

describe('evidence that the protocol was violated', () => {
  test.each<[facts: string, evidence: string[]]>([
    [complete, []],
    [closedBackwards, []],
    ['create abortRequested', []],
    ['stranger done', ['"stranger" is no step of saga "task-assignment"']],
    ['constructor done', ['"constructor" is no step of saga "task-assignment"']],
    ['assign done, assign rejected', ['step "assign" is both done and rejected']],
    ['assign done, assign cancelled', ['step "assign" is both done and cancelled']],
    ['assign rejected, assign cancelled', ['step "assign" is both rejected and cancelled']],
    ['assign cancelled, assign compensated', ['step "assign" was undone although it never had an effect']],
    ['assign rejected, assign compensated', ['step "assign" was undone although it never had an effect']],
    ['notify done, assign compensated', ['step "assign" closed although the pivot "notify" is done']],
    ['notify done, remind cancelled', ['step "remind" closed although the pivot "notify" is done']],
  ])('%s', (text, evidence) => {
    expect(foldSaga(saga, facts(text)).inconsistencies).toEqual(evidence);
  });
});

function* permutations(all: readonly SagaFact[]): Generator<readonly SagaFact[]> {
  if (all.length <= 1) yield all;
  else {
    for (const [index, first] of all.entries()) {
      for (const rest of permutations(all.toSpliced(index, 1))) yield [first, ...rest];
    }
  }
}

describe('a debt', () => {
  const goingOn = defineSaga('going-on', {
    a: { emits: event('a') },
    b: { after: 'a', onDeadLetter: 'continue', emits: event('b') },
    P: { after: 'b', emits: event('P') },
  });

  test.each<[status: SagaStatus, debts: string[], facts: string]>([
    ['compensating', ['b'], 'b deadLettered'],
    ['compensating', ['b'], 'a done, b done, P rejected, b deadLettered'],
    ['aborted', ['b'], 'a done, b done, P rejected, b deadLettered, a compensated'],
    ['aborted', [], 'a done, b done, P rejected, b deadLettered, a compensated, b compensated'],
    ['needsIntervention', ['a', 'b'], 'a done, b done, P rejected, b deadLettered, a deadLettered'],
  ])('%s, owed: %j, after %s', (status, debts, text) => {
    expect(foldSaga(goingOn, facts(text))).toMatchObject({ status, debts });
  });

  test('is the undo of any step that waits for a person', () => {
    expect(foldSaga(saga, facts('assign deadLettered'))).toMatchObject({
      status: 'needsIntervention',
      debts: ['assign'],
    });
    expect(foldSaga(saga, facts(complete)).debts).toEqual([]);
  });

  test('is the effect that stays because an operator waived its undo, whatever is known beside, and nobody is called for it', () => {
    const waived: SagaFact = { step: 'assign', outcome: 'compensated', waivedBy: 'ada' };
    for (const others of [
      '',
      'assign deadLettered',
      'create done, assign done, notify rejected, assign deadLettered',
    ]) {
      const known = others === '' ? [] : facts(others);
      expect(foldSaga(saga, [...known, waived])).toMatchObject({ status: 'compensating', debts: ['assign'] });
    }
    expect(foldSaga(saga, [waived, ...facts('create compensated')])).toMatchObject({
      status: 'aborted',
      debts: ['assign'],
    });
  });
});

test('a skipped step is shown as skipped also when the saga closed, and never as skipped and done', () => {
  const closing = foldSaga(saga, facts('create done, assign skipped, notify rejected, assign compensated'));
  expect(closing).toMatchObject({ status: 'compensating', steps: { assign: 'skipped' }, inconsistencies: [] });
  expect(foldSaga(saga, facts('assign skipped, assign done')).inconsistencies).toEqual([
    'step "assign" is both done and skipped',
  ]);
});
