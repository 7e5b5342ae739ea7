import { readEndState } from '../../scripts/demo/end-state.js';
import { createTask, get, settledSaga, taskOf, type Saga } from './api.js';
import { brokenTable, mendedTable, throughLine, twiceAndShuffled } from './faults.js';
import { InProcess } from './in-process.js';
import { contradictions, query, until, untilSettled } from './rows.js';

/** What sagas written by hand tend to get wrong, each by its number; the titles say what holds instead. */
describe('the defects of hand-written sagas', () => {
  test('D1: a saga whose reminder is scheduled is completed, and not forever on its way', async () => {
    const world = await InProcess.start();
    const { sagaId } = await createTask(await world.url(), 'alice');
    const saga = await settledSaga(await world.url(), sagaId);
    expect(saga).toMatchObject({ status: 'completed', steps: { scheduleReminder: 'done' } });
  });

  test('D2, D17: a refusal at the very first participant reaches the task, with the failed step and the reason', async () => {
    const world = await InProcess.start();
    const { taskId, sagaId } = await createTask(await world.url(), 'nobody');
    const saga = await settledSaga(await world.url(), sagaId);
    await untilSettled(world.ground, 1);
    expect(saga.status).toBe('aborted');
    expect(saga.history.find(({ type }) => type === 'task.marked.failed')).toMatchObject({
      data: { taskId, failedStep: 'assignUser', reason: 'user "nobody" is unknown' },
    });
    expect(await taskOf(await world.url(), taskId)).toMatchObject({ status: 'assignment_failed' });
  });

  test('D3: a reminder that cannot be scheduled is scheduled later: after the pivot there is no way but forward', async () => {
    const world = await InProcess.start();
    const url = await world.url();
    const { notification } = world.ground.databases;
    await query(notification, 'ALTER TABLE reminder RENAME TO reminder_away');
    const { taskId, sagaId } = await createTask(url, 'alice');
    await until('a first attempt has failed', async () => {
      const failed = `SELECT 1 FROM saga_step WHERE step = 'scheduleReminder' AND attempts > 0 AND status = 'running'`;
      return (await query(notification, failed)).length > 0;
    });
    await until('the task is assigned', async () => (await taskOf(url, taskId))['status'] === 'assigned');

    await query(notification, 'ALTER TABLE reminder_away RENAME TO reminder');
    expect((await settledSaga(url, sagaId)).status).toBe('completed');
    expect(await query(notification, 'SELECT 1 FROM reminder')).toHaveLength(1);
  });

  test('D4: an event that cannot be published waits in the outbox of its commit, over a restart too', async () => {
    const world = await InProcess.start(['assignment', 'notification']);
    const line = { cut: true };
    await world.start('task', throughLine(line));
    const { sagaId } = await createTask(await world.url(), 'alice');
    expect(await get(await world.url(), '/health')).toMatchObject({ body: { outbox: { size: 1 } } });
    await world.stop('task');
    expect(await query(world.ground.databases.task, 'SELECT 1 FROM saga_outbox')).toHaveLength(1);

    await world.start('task');
    expect((await settledSaga(await world.url(), sagaId)).status).toBe('completed');
    await untilSettled(world.ground, 1);
  });

  test('D5, D10: every event twice, late and out of order: one assignment, one mail, one reminder, and the tracker says the same', async () => {
    const world = await InProcess.start([]);
    for (const service of ['task', 'assignment', 'notification'] as const) await world.start(service, twiceAndShuffled);
    const url = await world.url();
    const users = ['alice', 'alice', 'bob', 'carol', 'carol', 'dave', 'erin', 'erin', 'nobody', 'alice'];
    const accepted = await Promise.all(users.map((user, index) => createTask(url, user, `Task ${index} for ${user}`)));
    const sagas = await Promise.all(accepted.map(({ sagaId }) => settledSaga(url, sagaId)));
    await untilSettled(world.ground, users.length);

    const state = await readEndState(world.ground);
    expect(contradictions(state)).toEqual([]);
    expect(state.mails).toHaveLength(state.tasks.filter(({ status }) => status === 'assigned').length);
    expect(state.assignments).toHaveLength(5);
    for (const [index, { taskId }] of accepted.entries()) {
      const { status } = state.tasks.find(({ id }) => id === taskId)!;
      expect(sagas[index]).toMatchObject({
        status: status === 'assigned' ? 'completed' : 'aborted',
        inconsistencies: [],
      });
    }
  });

  test('D6: an event that cannot be published turns no assignment into a refusal', async () => {
    const world = await InProcess.start(['task', 'notification']);
    const line = { cut: true };
    await world.start('assignment', throughLine(line));
    const { sagaId } = await createTask(await world.url(), 'alice');
    const { assignment } = world.ground.databases;
    const step = `SELECT status FROM saga_step WHERE step = 'assignUser'`;
    await until('the user is assigned', async () => (await query(assignment, step)).length > 0);
    expect(await query(assignment, step)).toEqual([{ status: 'done' }]);
    expect(await query(assignment, 'SELECT 1 FROM assignment')).toHaveLength(1);

    line.cut = false;
    const saga = await settledSaga(await world.url(), sagaId);
    expect(saga.status).toBe('completed');
    expect(saga.history.map(({ type }) => type)).not.toContain('user.assignment.failed');
    expect(await query(assignment, 'SELECT 1 FROM assignment')).toHaveLength(1);
  });

  test('D7: a compensation that finds its row gone already still says that it is undone, and the saga closes', async () => {
    const world = await InProcess.start(['task', 'assignment']);
    const { sagaId } = await createTask(await world.url(), 'erin');
    const { assignment } = world.ground.databases;
    await until('the user is assigned', async () => (await query(assignment, 'SELECT 1 FROM assignment')).length > 0);
    await query(assignment, 'DELETE FROM assignment');

    await world.start('notification');
    const saga = await settledSaga(await world.url(), sagaId);
    expect(saga).toMatchObject({ status: 'aborted', steps: { assignUser: 'compensated', createTask: 'compensated' } });
  });

  test('D8: a step that keeps failing holds up no other saga, and its attempts are counted over a restart', async () => {
    const world = await InProcess.start();
    const url = await world.url();
    const { assignment } = world.ground.databases;
    await query(assignment, brokenTable('assignment', 'INSERT', `NEW.user_id = 'bob'`));
    const stuck = await createTask(url, 'bob');
    const attempts = async (): Promise<number> => {
      const rows = await query<{ attempts: number }>(
        assignment,
        `SELECT attempts FROM saga_step WHERE saga_id = $1 AND step = 'assignUser'`,
        [stuck.sagaId],
      );
      return rows[0]?.attempts ?? 0;
    };
    await until('a first attempt has failed', async () => (await attempts()) > 0);
    const others = await Promise.all([1, 2, 3, 4, 5].map((n) => createTask(url, 'alice', `Other ${n}`)));
    for (const { sagaId } of others) expect((await settledSaga(url, sagaId)).status).toBe('completed');
    expect(await taskOf(url, stuck.taskId)).toMatchObject({ status: 'pending_assignment' });

    const before = await attempts();
    await world.stop('assignment');
    await world.start('assignment');
    await until('it is attempted again', async () => (await attempts()) > before);
    await query(assignment, mendedTable('assignment'));
    expect((await settledSaga(url, stuck.sagaId)).status).toBe('completed');
  });

  test('D9: a compensation given up after four attempts is told apart from a slow one, and nothing before it is undone', async () => {
    const world = await InProcess.start(['task', 'assignment', 'notification']);
    const url = await world.url();
    const letters: { key: string; value: Record<string, unknown> }[] = [];
    await world.transport({ service: 'test', logger: console }).subscribe({
      group: 'test',
      topics: ['saga.compensation.failed'],
      handle: async (records) => {
        for (const { key, value } of records)
          letters.push({ key, value: JSON.parse(value) as Record<string, unknown> });
      },
    });
    await query(world.ground.databases.assignment, brokenTable('assignment', 'DELETE', 'true'));
    const { taskId, sagaId } = await createTask(url, 'erin');

    await until('it is given up', async () => {
      const saga = (await get(url, `/sagas/${sagaId}`)).body as Saga;
      return saga.status === 'needsIntervention';
    });
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({
      key: sagaId,
      value: { compensation_error: 'the disk is full (code P0001)', requires_manual_intervention: true, attempts: 4 },
    });
    expect(await taskOf(url, taskId)).toMatchObject({ status: 'pending_assignment' });
    expect(await query(world.ground.databases.assignment, 'SELECT 1 FROM assignment')).toHaveLength(1);
  });
});
