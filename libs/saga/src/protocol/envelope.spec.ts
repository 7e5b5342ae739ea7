import { describe, expect, test } from 'vitest';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import { abortRequested, compensationFailed, eventClassOf, messageId } from './envelope.js';
import { isClosing, outcomes } from './outcome.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;

class Created extends DomainEvent('task.created', schema) {}
class MarkedFailed extends DomainEvent('task.marked.failed', schema) {}
class Refused extends DomainEvent('task.refused', schema) {}
class Dropped extends DomainEvent('task.dropped', schema) {}
class Assigned extends DomainEvent('user.assigned', schema) {}

const saga = defineSaga('task-assignment', {
  createTask: { emits: Created, compensated: MarkedFailed, rejected: Refused, cancelled: Dropped },
  assignUser: { after: 'createTask', emits: Assigned },
});

const { createTask, assignUser } = saga.steps;

describe('the id of an event', () => {
  test('is derived from saga, step and outcome, so that a second publish is recognizably the same event', () => {
    expect(messageId('s-1', 'assignUser', 'done')).toBe('s-1:assignUser:done');
    const ids = ['s-1', 's-2'].flatMap((id) =>
      ['a', 'b'].flatMap((step) => outcomes.map((outcome) => messageId(id, step, outcome))),
    );
    expect(new Set(ids).size).toBe(2 * 2 * outcomes.length);
  });
});

describe('the class of an event', () => {
  test('is the declared one of its step and outcome', () => {
    expect(eventClassOf(saga, { step: 'createTask', outcome: 'done', type: 'task.created' })).toBe(Created);
    expect(eventClassOf(saga, { step: 'createTask', outcome: 'rejected', type: 'task.refused' })).toBe(Refused);
    expect(eventClassOf(saga, { step: 'createTask', outcome: 'compensated', type: 'task.marked.failed' })).toBe(
      MarkedFailed,
    );
    expect(eventClassOf(saga, { step: 'createTask', outcome: 'cancelled', type: 'task.dropped' })).toBe(Dropped);
  });

  test('is the default one where the library made the closing, even beside a declared class', () => {
    const { defaults } = createTask.events;
    expect(
      eventClassOf(saga, { step: 'createTask', outcome: 'rejected', type: 'task-assignment.create-task.rejected' }),
    ).toBe(defaults.rejected);
    expect(
      eventClassOf(saga, {
        step: 'createTask',
        outcome: 'compensated',
        type: 'task-assignment.create-task.compensated',
      }),
    ).toBe(defaults.compensated);
    expect(
      eventClassOf(saga, { step: 'assignUser', outcome: 'cancelled', type: 'task-assignment.assign-user.cancelled' }),
    ).toBe(assignUser.events.cancelled);
  });

  test('is unknown when type and outcome do not fit together', () => {
    expect(eventClassOf(saga, { step: 'createTask', outcome: 'done', type: 'task.refused' })).toBeUndefined();
    expect(eventClassOf(saga, { step: 'assignUser', outcome: 'done', type: 'task.created' })).toBeUndefined();
  });

  test('is unknown for what has no class: a dead letter, a request to abort, a step of another saga', () => {
    expect(
      eventClassOf(saga, { step: 'createTask', outcome: 'deadLettered', type: compensationFailed }),
    ).toBeUndefined();
    expect(eventClassOf(saga, { step: 'createTask', outcome: 'abortRequested', type: abortRequested })).toBeUndefined();
    expect(eventClassOf(saga, { step: 'constructor', outcome: 'done', type: 'task.created' })).toBeUndefined();
  });
});

test('rejected, cancelled and compensated close a step; nothing else does', () => {
  expect(outcomes.filter(isClosing)).toEqual(['rejected', 'cancelled', 'compensated']);
});
