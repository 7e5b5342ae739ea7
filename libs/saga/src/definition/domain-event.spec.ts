import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DomainEvent, eventFrom, eventType, InvalidEventData } from './domain-event.js';

class TaskCreated extends DomainEvent(
  'task.created',
  z.object({
    taskId: z.string(),
    priority: z.enum(['low', 'high']).default('low'),
    tags: z.array(z.object({ name: z.string() })).default([]),
  }),
) {}

const schemaWith = (validate: (value: unknown) => unknown) =>
  ({ '~standard': { version: 1, vendor: 'spec', validate: validate as () => { value: object } } }) as const;

/** A schema that lets everything through. */
class Loose extends DomainEvent(
  'loose',
  schemaWith((value) => ({ value })),
) {}

describe('an event', () => {
  test('is an instance of its class, with the data of its schema and nothing else', () => {
    const event = new TaskCreated({ taskId: 't-1', priority: 'high' });
    expect(event).toBeInstanceOf(TaskCreated);
    expect(Object.keys(event)).toEqual(['taskId', 'priority', 'tags']);
    expect(event.taskId).toBe('t-1');
  });

  test('has what its schema makes of the data: defaults filled in, unknown fields left out', () => {
    expect({ ...eventFrom(TaskCreated, { taskId: 't-1', surprise: true }) }).toEqual({
      taskId: 't-1',
      priority: 'low',
      tags: [],
    });
  });

  test('knows its type, on the class and on the instance, and never sends it along as data', () => {
    const event = new TaskCreated({ taskId: 't-1' });
    expect(TaskCreated.type).toBe('task.created');
    expect(event[eventType]).toBe('task.created');
    expect(JSON.stringify(event)).toBe('{"taskId":"t-1","priority":"low","tags":[]}');
    expect(Object.getOwnPropertySymbols(event)).toEqual([]);
  });

  test('survives the way over the wire and back', () => {
    const event = new TaskCreated({ taskId: 'ü-✓', tags: [{ name: 'a' }] });
    const back = eventFrom(TaskCreated, JSON.parse(JSON.stringify(event)));
    expect(back).toEqual(event);
    expect(back).toBeInstanceOf(TaskCreated);
  });

  test('keeps its own methods', () => {
    class Named extends DomainEvent('named', z.object({ first: z.string(), last: z.string() })) {
      full(): string {
        return `${this.first} ${this.last}`;
      }
    }
    expect(new Named({ first: 'Ann', last: 'Lee' }).full()).toBe('Ann Lee');
  });
});

describe('data that does not match', () => {
  test('is refused with every issue and its place', () => {
    const data = { taskId: 7, priority: 'urgent', tags: [{ name: 'a' }, {}] };
    expect(() => eventFrom(TaskCreated, data)).toThrow(InvalidEventData);
    expect(() => eventFrom(TaskCreated, data)).toThrow(
      expect.objectContaining({
        code: 'INVALID_EVENT_DATA',
        type: 'task.created',
        issues: [
          expect.stringMatching(/^taskId: /),
          expect.stringMatching(/^priority: /),
          expect.stringMatching(/^tags\.1\.name: /),
        ],
      }),
    );
  });

  test('is refused by the constructor as well', () => {
    expect(() => new TaskCreated({} as never)).toThrow('Event "task.created" does not match its schema: taskId: ');
  });

  test.each([undefined, null, 'text', 7, [1]])('is refused when it is no object: %j', (data) => {
    expect(() => eventFrom(TaskCreated, data)).toThrow(InvalidEventData);
    expect(() => eventFrom(Loose, data)).toThrow('the data of an event is a plain object');
  });

  test('is refused when its schema needs time', () => {
    const slow = class extends DomainEvent(
      'slow',
      schemaWith(async (value) => ({ value })),
    ) {};
    expect(() => eventFrom(slow, {})).toThrow('its schema is asynchronous; use a synchronous one');
  });

  test('names the place also where the schema library gives it as an object', () => {
    const issue = { message: 'wrong', path: ['list', { key: 0 }, { key: 'name' }] };
    const nested = class extends DomainEvent(
      'nested',
      schemaWith(() => ({ issues: [issue, { message: 'all wrong' }] })),
    ) {};
    expect(() => eventFrom(nested, {})).toThrow('list.0.name: wrong; all wrong.');
  });
});

describe('data from outside cannot reach prototypes', () => {
  const hostile: unknown = JSON.parse('{"__proto__":{"isAdmin":true},"taskId":"t-1"}');

  test('where the schema lets everything through, the record is refused', () => {
    expect(() => eventFrom(Loose, hostile)).toThrow('the data of an event is a plain object');
  });

  test('where the schema names its fields, they alone arrive', () => {
    const event = eventFrom(TaskCreated, hostile);
    expect(event).toBeInstanceOf(TaskCreated);
    expect('isAdmin' in event).toBe(false);
  });

  test('nothing sticks to other objects', () => {
    eventFrom(
      Loose,
      JSON.parse('{"constructor":{"prototype":{"isAdmin":true}},"nested":{"__proto__":{"isAdmin":true}}}'),
    );
    expect('isAdmin' in {}).toBe(false);
    expect('isAdmin' in new Loose({})).toBe(false);
  });
});

describe('the type of an event', () => {
  test.each(['task.created', 'TaskCreated', 'a', '1.0', 'a_b-c.d', 'x'.repeat(200)])('may be %s', (type) => {
    expect(DomainEvent(type, z.object({})).type).toBe(type);
  });

  test.each(['', '.created', 'task created', 'task/created', 'täsk', 'x'.repeat(201), 'task\n'])(
    'cannot be %j',
    (type) => {
      expect(() => DomainEvent(type, z.object({}))).toThrow('cannot name a topic');
    },
  );
});
