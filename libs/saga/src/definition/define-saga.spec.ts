import { describe, expect, test } from 'vitest';
import { defineSaga, sagaOf } from './define-saga.js';
import { DomainEvent, eventFrom } from './domain-event.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};
const a = event('a');
const b = event('b');
const c = event('c');
const d = event('d');
const x = event('x');

describe('a sound definition', () => {
  const lesson = defineSaga('task-assignment', {
    createTask: { emits: a, compensated: x },
    assignUser: { after: 'createTask', emits: b },
    sendNotification: { after: 'assignUser', kind: 'pivot', effect: 'external', emits: c },
    scheduleReminder: { after: 'sendNotification', kind: 'retriable', emits: d },
  });

  test('knows its source, its commit point and its sinks', () => {
    expect(lesson).toMatchObject({
      name: 'task-assignment',
      version: 1,
      source: 'createTask',
      commitPoint: 'sendNotification',
      sinks: ['scheduleReminder'],
    });
  });

  test('gives each step its role by its place, and its neighbors', () => {
    const shapes = Object.values(lesson.steps).map(({ name, role, predecessors, successors }) => [
      name,
      role,
      predecessors,
      successors,
    ]);
    expect(shapes).toEqual([
      ['createTask', 'compensatable', [], ['assignUser']],
      ['assignUser', 'compensatable', ['createTask'], ['sendNotification']],
      ['sendNotification', 'pivot', ['assignUser'], ['scheduleReminder']],
      ['scheduleReminder', 'retriable', ['sendNotification'], []],
    ]);
  });

  test('knows how each step works and is undone', () => {
    expect(lesson.steps.sendNotification).toMatchObject({ external: true, undo: 'direct', kind: 'pivot' });
    expect(lesson.steps.assignUser).toMatchObject({ external: false, undo: 'direct', kind: 'compensatable' });
  });

  test('without a pivot commits at its only sink', () => {
    const saga = defineSaga('saga', { a: { emits: a }, b: { after: 'a', emits: b } });
    expect(saga.commitPoint).toBe('b');
    expect(saga.steps.b.role).toBe('pivot');
  });

  test('may have one step', () => {
    expect(defineSaga('saga', { only: { emits: a } })).toMatchObject({
      source: 'only',
      commitPoint: 'only',
      sinks: ['only'],
    });
  });

  test('may put the pivot last and correct what was sent: the other way to class the same business', () => {
    const saga = defineSaga('task-assignment', {
      createTask: { emits: a },
      notify: { after: 'createTask', emits: b, undo: 'semantic', compensated: event('notification.corrected') },
      remind: { after: 'notify', kind: 'pivot', emits: c },
    });
    expect(saga.steps.notify).toMatchObject({ role: 'compensatable', undo: 'semantic' });
    expect(saga.steps.notify.events.compensated.type).toBe('notification.corrected');
  });

  test('names the events that it does not declare after saga, step and outcome', () => {
    const { rejected, compensated, cancelled, done } = lesson.steps.assignUser.events;
    expect([done, rejected, compensated, cancelled].map(({ type }) => type)).toEqual([
      'b',
      'task-assignment.assign-user.rejected',
      'task-assignment.assign-user.compensated',
      'task-assignment.assign-user.cancelled',
    ]);
  });

  test('keeps a default beside a declared closing, for closings that the library makes', () => {
    const { compensated, defaults } = lesson.steps.createTask.events;
    expect(compensated).toBe(x);
    expect(eventFrom(defaults.compensated, { failedStep: 'assignUser', reason: 'no' })).toEqual({
      failedStep: 'assignUser',
      reason: 'no',
    });
    expect(() => eventFrom(defaults.compensated, { failedStep: 'assignUser' })).toThrow(
      'expected { failedStep: string, reason: string }',
    );
    expect(() => eventFrom(defaults.compensated, undefined)).toThrow('expected { failedStep: string, reason: string }');
  });

  test('knows what starts it: an outside event, an input, or whatever its method takes', () => {
    const { steps: outside } = defineSaga('saga', { a: { on: x, emits: a } });
    const { steps: inside } = defineSaga('saga', { a: { input: schema, emits: a } });
    expect(outside.a.on).toBe(x);
    expect(inside.a.input).toBe(schema);
    expect([Object.hasOwn(outside.a, 'input'), Object.hasOwn(inside.a, 'on')]).toEqual([false, false]);
    expect(Object.keys(lesson.steps.createTask)).not.toContain('on');
  });

  test('carries a version and a business key where it names them', () => {
    const saga = defineSaga('saga', { a: { emits: a } }, { version: 3, partitionBy: 'taskId' });
    expect(saga).toMatchObject({ version: 3, partitionBy: 'taskId' });
    expect(saga.steps.a.version).toBe(3);
    expect('partitionBy' in defineSaga('saga', { a: { emits: a } })).toBe(false);
  });

  test('is found from any of its steps, and from nothing that only looks like one', () => {
    for (const step of Object.values(lesson.steps)) expect(sagaOf(step)).toBe(lesson);
    expect(sagaOf({ ...lesson.steps.createTask })).toBeUndefined();
  });

  test('cannot be changed, and finds no step by a name from outside that is none', () => {
    expect(Object.isFrozen(lesson)).toBe(true);
    expect(Object.isFrozen(lesson.steps)).toBe(true);
    expect(Object.isFrozen(lesson.steps.assignUser)).toBe(true);
    const steps: Readonly<Record<string, unknown>> = lesson.steps;
    expect([steps['constructor'], steps['toString'], steps['__proto__']]).toEqual([undefined, undefined, undefined]);
  });
});
