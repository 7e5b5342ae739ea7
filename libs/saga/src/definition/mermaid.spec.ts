import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineSaga } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import { mermaid } from './mermaid.js';

const event = (type: string) => class extends DomainEvent(type, z.object({})) {};

test('the graph of the task assignment saga runs forward, and back along its compensations', () => {
  const saga = defineSaga('task-assignment', {
    createTask: { emits: event('task.created'), compensated: event('task.marked.failed') },
    assignUser: {
      after: 'createTask',
      emits: event('user.assigned'),
      rejected: event('user.assignment.failed'),
      compensated: event('user.unassigned'),
    },
    sendNotification: {
      after: 'assignUser',
      kind: 'pivot',
      emits: event('notification.sent'),
      rejected: event('notification.failed'),
    },
    scheduleReminder: { after: 'sendNotification', kind: 'retriable', emits: event('reminder.scheduled') },
  });
  expect(mermaid(saga)).toMatchInlineSnapshot(`
    "flowchart LR
      createTask["createTask<br/>compensatable"]
      assignUser["assignUser<br/>compensatable"]
      sendNotification{{"sendNotification<br/>pivot"}}
      scheduleReminder(["scheduleReminder<br/>retriable"])
      createTask -->|task.created| assignUser
      assignUser -->|user.assigned| sendNotification
      sendNotification -->|notification.sent| scheduleReminder
      createTask -.->|task.marked.failed| aborted((aborted))
      assignUser -.->|user.unassigned| createTask
      sendNotification -.->|notification.failed| assignUser
    "
  `);
});

test('branches, joins and read-only steps are drawn', () => {
  const saga = defineSaga('order', {
    place: { emits: event('order.placed') },
    check: { after: 'place', kind: 'readOnly', emits: event('customer.checked') },
    reserve: { after: 'place', emits: event('stock.reserved') },
    pay: { after: ['check', 'reserve'], kind: 'pivot', emits: event('order.paid') },
  });
  expect(mermaid(saga)).toMatchInlineSnapshot(`
    "flowchart LR
      place["place<br/>compensatable"]
      check["check<br/>readOnly, compensatable"]
      reserve["reserve<br/>compensatable"]
      pay{{"pay<br/>pivot"}}
      place -->|order.placed| check
      place -->|order.placed| reserve
      check -->|customer.checked| pay
      reserve -->|stock.reserved| pay
      place -.->|order.place.compensated| aborted((aborted))
      check -.->|order.check.compensated| place
      reserve -.->|order.reserve.compensated| place
      pay -.->|order.pay.rejected| check
      pay -.->|order.pay.rejected| reserve
    "
  `);
});

test('a saga of one step has nothing to go back to', () => {
  const saga = defineSaga('ping', { only: { emits: event('ping.done') } });
  expect(mermaid(saga)).toBe('flowchart LR\n  only{{"only<br/>pivot"}}\n');
});

test('a step that may be skipped has a dashed border', () => {
  const saga = defineSaga('publishing', {
    submit: { emits: event('article.submitted') },
    clear: { after: 'submit', when: () => false, emits: event('rights.cleared') },
    publish: { after: 'clear', kind: 'pivot', emits: event('article.published') },
  });
  expect(mermaid(saga).split('\n')).toEqual(
    expect.arrayContaining([
      '  clear["clear<br/>compensatable, conditional"]',
      '  classDef conditional stroke-dasharray: 5 5',
      '  class clear conditional',
    ]),
  );
});

test('a fan-out has a double border', () => {
  const saga = defineSaga('travel', {
    request: { emits: event('trip.requested') },
    reserve: { after: 'request', each: () => [], emits: event('leg.reserved') },
    confirm: { after: 'reserve', kind: 'pivot', emits: event('trip.confirmed') },
  });
  expect(mermaid(saga)).toContain('  reserve[["reserve<br/>compensatable, for each branch"]]\n');
});
