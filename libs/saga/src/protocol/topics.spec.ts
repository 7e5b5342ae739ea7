import { describe, expect, test } from 'vitest';
import { defineSaga } from '../definition/define-saga.js';
import { DomainEvent } from '../definition/domain-event.js';
import { topicsNamed } from './topics.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;

class Created extends DomainEvent('task.created', schema) {}
class MarkedFailed extends DomainEvent('task.marked.failed', schema) {}
class Assigned extends DomainEvent('user.assigned', schema) {}

const saga = defineSaga('task-assignment', {
  createTask: { emits: Created, compensated: MarkedFailed },
  assignUser: { after: 'createTask', emits: Assigned },
});

const created = { sagaType: 'task-assignment', type: 'task.created' };
const deadLetter = { sagaType: 'task-assignment', type: 'saga.compensation.failed' };

describe('topics', () => {
  test('one per saga', () => {
    const topics = topicsNamed('perSaga');
    expect(topics.of(created)).toBe('saga.task-assignment');
    expect(topics.ofSaga(saga)).toEqual(['saga.task-assignment', 'saga.compensation.failed']);
  });

  test('one per event type', () => {
    const topics = topicsNamed('perType');
    expect(topics.of(created)).toBe('task.created');
    expect(topics.ofSaga(saga)).toEqual([
      'task.created',
      'task-assignment.create-task.rejected',
      'task.marked.failed',
      'task-assignment.create-task.cancelled',
      'task-assignment.create-task.compensated',
      'user.assigned',
      'task-assignment.assign-user.rejected',
      'task-assignment.assign-user.compensated',
      'task-assignment.assign-user.cancelled',
      'saga.abort.requested',
      'saga.compensation.failed',
    ]);
  });

  test('one per domain', () => {
    const topics = topicsNamed('perDomain');
    expect(topics.of(created)).toBe('task-events');
    expect(topics.ofSaga(saga)).toEqual([
      'task-events',
      'task-assignment-events',
      'user-events',
      'saga-events',
      'saga.compensation.failed',
    ]);
  });

  test('by a function of the event', () => {
    const topics = topicsNamed(({ sagaType, type }) => `${sagaType}--${type.length}`);
    expect(topics.of(created)).toBe('task-assignment--12');
  });

  test.each(['perSaga', 'perType', 'perDomain', () => 'everything'] as const)(
    'a compensation that failed goes to the one topic that people watch, with the naming %s',
    (naming) => {
      expect(topicsNamed(naming).of(deadLetter)).toBe('saga.compensation.failed');
    },
  );

  test.each([
    ['perSaga', 'test.order.paid'],
    ['perType', 'test.order.paid'],
    ['perDomain', 'test.order-events'],
  ] as const)('an event of another application is looked for under its type, or its domain: %s', (naming, topic) => {
    expect(topicsNamed(naming, 'test.').outside('order.paid')).toBe(topic);
  });

  test('a prefix keeps everything apart: topics, dead letters and groups', () => {
    const topics = topicsNamed('perSaga', 'test.');
    expect(topics.of(created)).toBe('test.saga.task-assignment');
    expect(topics.of(deadLetter)).toBe('test.saga.compensation.failed');
    expect(topics.ofSaga(saga)).toEqual(['test.saga.task-assignment', 'test.saga.compensation.failed']);
    expect(topics.deadLetters).toBe('test.saga.dead-letters');
    expect(topics.group('assignment')).toBe('test.assignment');
  });
});
