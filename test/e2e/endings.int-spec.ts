import { setTimeout as sleep } from 'node:timers/promises';
import { readEndState } from '../../scripts/demo/end-state.js';
import { createTask, get, send, settledSaga, taskOf, type Saga } from './api.js';
import { InProcess } from './in-process.js';
import { contradictions, until, untilSettled } from './rows.js';

const types = (saga: { readonly history: readonly { readonly type: string }[] }): readonly string[] =>
  saga.history.map(({ type }) => type);

describe('the task-assignment saga, three services over the in-memory transport', () => {
  test('a task is assigned, its assignee is notified once, and a reminder is scheduled', async () => {
    const world = await InProcess.start();
    const url = await world.url();
    const { taskId, sagaId, status } = await createTask(url, 'alice');
    expect(status).toBe('pending_assignment');

    const saga = await settledSaga(url, sagaId);
    await untilSettled(world.ground, 1);
    expect(saga).toMatchObject({
      status: 'completed',
      steps: { createTask: 'done', assignUser: 'done', sendNotification: 'done', scheduleReminder: 'done' },
      inconsistencies: [],
    });
    expect(types(saga)).toEqual(['task.created', 'user.assigned', 'notification.sent', 'reminder.scheduled']);
    expect(await taskOf(url, taskId)).toMatchObject({ status: 'assigned', failedStep: null, failureReason: null });
    const state = await readEndState(world.ground);
    expect(contradictions(state)).toEqual([]);
    expect(state.mails).toMatchObject([{ to: ['alice@example.com'], subject: 'You have a new task' }]);
  });

  test('a task is not called assigned before its assignee has been notified, because until then it may be undone', async () => {
    const world = await InProcess.start(['task', 'assignment']);
    const url = await world.url();
    const { taskId, sagaId } = await createTask(url, 'alice');
    await until('the listeners of the task service have had their turn', async () => {
      const { history } = (await get(url, `/sagas/${sagaId}`)).body as Saga;
      return history.some(({ type }) => type === 'user.assigned') && sleep(300, true);
    });
    expect(await taskOf(url, taskId)).toMatchObject({ status: 'pending_assignment' });

    await world.start('notification');
    await until('the task is assigned', async () => (await taskOf(url, taskId))['status'] === 'assigned');
  });

  test('over capacity: the assignment is refused, nothing was done and nothing is undone but the task', async () => {
    const world = await InProcess.start();
    const url = await world.url();
    const { taskId, sagaId } = await createTask(url, 'dave');

    const saga = await settledSaga(url, sagaId);
    await untilSettled(world.ground, 1);
    expect(saga).toMatchObject({ status: 'aborted', steps: { createTask: 'compensated', assignUser: 'rejected' } });
    expect(types(saga).slice(0, 2)).toEqual(['task.created', 'user.assignment.failed']);
    expect(types(saga)).not.toContain('user.unassigned');
    expect(await taskOf(url, taskId)).toMatchObject({
      status: 'assignment_failed',
      failedStep: 'assignUser',
      failureReason: 'over capacity: "dave" has 0 of 0 tasks',
    });
    const state = await readEndState(world.ground);
    expect(state).toMatchObject({ assignments: [], notifications: [], reminders: [], mails: [] });
  });

  test('an undeliverable address: the saga closes backwards, step by step', async () => {
    const world = await InProcess.start();
    const url = await world.url();
    const { taskId, sagaId } = await createTask(url, 'erin');

    const saga = await settledSaga(url, sagaId);
    await untilSettled(world.ground, 1);
    expect(saga).toMatchObject({
      status: 'aborted',
      steps: { createTask: 'compensated', assignUser: 'compensated', sendNotification: 'rejected' },
      inconsistencies: [],
    });
    const backwards = ['task.created', 'user.assigned', 'notification.failed', 'user.unassigned', 'task.marked.failed'];
    expect(types(saga).filter((type) => backwards.includes(type))).toEqual(backwards);
    const reason = 'erin@undeliverable.example is undeliverable: 550 No mailbox here for erin@undeliverable.example';
    expect(saga.history.find(({ type }) => type === 'user.unassigned')?.data).toMatchObject({
      compensationReason: `Downstream failure: ${reason}`,
    });
    expect(saga.history.find(({ type }) => type === 'task.marked.failed')?.data).toEqual({
      taskId,
      failedStep: 'sendNotification',
      reason,
    });
    expect(await taskOf(url, taskId)).toMatchObject({ status: 'assignment_failed', failureReason: reason });
    const state = await readEndState(world.ground);
    expect(state).toMatchObject({ assignments: [], notifications: [{ status: 'refused' }], reminders: [], mails: [] });
  });

  test('tasks that come at once, to two replicas, never exceed what a user takes', async () => {
    const world = await InProcess.start();
    await world.start('assignment');
    const url = await world.url();
    await Promise.all(Array.from({ length: 24 }, (_, index) => createTask(url, 'bob', `Task ${index}`)));
    await untilSettled(world.ground, 24);

    const state = await readEndState(world.ground);
    expect(state.assignments).toHaveLength(5);
    expect(state.tasks.filter(({ status }) => status === 'assigned')).toHaveLength(5);
    expect(contradictions(state)).toEqual([]);
  });

  test('a place that was given back is taken again', async () => {
    const world = await InProcess.start();
    const url = await world.url();
    await send(await world.url('assignment'), 'PUT', '/users/erin', { capacity: 1 });
    for (const title of ['first', 'second', 'third']) {
      const { sagaId } = await createTask(url, 'erin', title);
      expect((await settledSaga(url, sagaId)).steps['sendNotification']).toBe('rejected');
    }
  });
});
