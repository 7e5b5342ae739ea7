import type { EndState, TaskRow } from '../../scripts/demo/end-state.js';
import { differences, type Submitted } from '../../scripts/demo/expectations.js';
import { painter } from '../../scripts/demo/paint.js';

const assigned: Submitted = {
  taskId: 'task-1',
  sagaId: 'saga-1',
  status: 'pending_assignment',
  request: { title: 'Report', assigneeId: 'alice', priority: 'normal' },
};
const refused: Submitted = {
  ...assigned,
  taskId: 'task-2',
  request: { title: 'Chairs', assigneeId: 'erin', priority: 'normal', refusedAt: 'sendNotification' },
};
const row = (id: string, status: string, failed_step: string | null = null): TaskRow => ({
  id,
  title: id,
  status,
  failed_step,
  failure_reason: failed_step,
});
const asExpected: EndState = {
  tasks: [row('task-1', 'assigned'), row('task-2', 'assignment_failed', 'sendNotification')],
  assignments: [{ task_id: 'task-1', user_id: 'alice' }],
  notifications: [
    { task_id: 'task-1', status: 'sent' },
    { task_id: 'task-2', status: 'refused' },
  ],
  reminders: [{ task_id: 'task-1', remind_at: new Date(0) }],
  mails: [{ from: '', to: [], messageId: '<1>', subject: '', text: 'Task task-1 has been assigned' }],
};

describe('what the demo checks before it says that all is well', () => {
  test('an end state as the requests lead one to expect has no differences', () => {
    expect(differences([assigned, refused], asExpected)).toEqual([]);
  });

  test.each([
    [
      'a task left pending',
      { tasks: [row('task-1', 'pending_assignment'), asExpected.tasks[1]!] },
      'status is pending',
    ],
    [
      'another failed step',
      { tasks: [asExpected.tasks[0]!, row('task-2', 'assignment_failed', 'assignUser')] },
      'step',
    ],
    ['a second mail', { mails: [...asExpected.mails, ...asExpected.mails] }, '"Report": mails is 2, expected 1'],
    [
      'an assignment not undone',
      { assignments: [...asExpected.assignments, { task_id: 'task-2', user_id: 'erin' }] },
      '"Chairs": assignments is 1, expected 0',
    ],
    ['a reminder missing', { reminders: [] }, '"Report": reminders is 0, expected 1'],
    ['a task too many', { tasks: [...asExpected.tasks, row('task-3', 'assigned')] }, '3 tasks were made of 2'],
  ])('%s is a difference', (_what, change: Partial<EndState>, told) => {
    const found = differences([assigned, refused], { ...asExpected, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(told);
  });

  test('two tasks for one idempotency key are a difference', () => {
    const request = { ...assigned.request, idempotencyKey: 'order-4711' };
    const [first, second] = [
      { ...assigned, request },
      { ...refused, request: { ...refused.request, idempotencyKey: 'order-4711' } },
    ];
    expect(differences([first, second], asExpected)).toEqual([
      '"Chairs" was sent twice with one key and made two tasks',
    ]);
  });
});

describe('the colors of the demo', () => {
  test.each([
    ['on a terminal', {}, true, true],
    ['without one', {}, false, false],
    ['with NO_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
  ])('%s', (_where, env, isTerminal, colored) => {
    expect(painter(env, isTerminal)('red', 'text') !== 'text').toBe(colored);
  });
});
