import { describe, expect, test } from 'vitest';
import { abortRequested, compensationFailed } from '../protocol/envelope.js';
import { deadLetterTopic } from '../protocol/topics.js';
import { defineSaga } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import { reservedNames } from './reserved-names.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};

describe("the library's own names", () => {
  test('are those of its topics and events', () => {
    expect([...reservedNames].toSorted()).toEqual([abortRequested, compensationFailed, deadLetterTopic].toSorted());
  });

  test.each(['dead-letters', 'compensation.failed', 'abort.requested'])(
    'are not to be had for a saga "%s", whose topic would be one of them',
    (name) => {
      expect(() => defineSaga(name, { a: { emits: event('a') } })).toThrow(
        `its name would give it the topic "saga.${name}", which the library keeps for itself; give it another name`,
      );
    },
  );

  test.each(reservedNames)('are not to be had for an event "%s"', (type) => {
    expect(() => defineSaga('order', { a: { emits: event(type) } })).toThrow(
      `a.emits is an event "${type}", a name that the library keeps for itself; give the event another type`,
    );
  });

  test('leave names that only look like them alone', () => {
    expect(defineSaga('dead-letters-2', { a: { emits: event('saga.dead') } }).name).toBe('dead-letters-2');
  });
});
