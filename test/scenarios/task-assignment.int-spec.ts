import { readEndState } from '../../scripts/demo/end-state.js';
import { createTask, get, settledSaga, taskOf, type Saga } from '../e2e/api.js';
import { brokenTable, mendedTable } from '../e2e/faults.js';
import type { InProcess } from '../e2e/in-process.js';
import { contradictions, query, until, untilSettled } from '../e2e/rows.js';
import { manners } from './manners.js';

const bob = { actor: 'bob', reason: 'deleted by hand' };

/** The undo of an assignment is attempted after 1, 2 and 4 s. */
const patience = { timeout: 120_000 };

const typesOf = ({ history }: Saga): readonly string[] => history.map(({ type }) => type);

/** A task whose notification is refused while assignments cannot be deleted: its undo has become a dead letter. */
async function deadLettered(
  world: InProcess,
  meanwhile: (world: InProcess) => Promise<void>,
): Promise<{ taskId: string; sagaId: string }> {
  await query(world.ground.databases.assignment, brokenTable('assignment', 'DELETE', 'true'));
  const { taskId, sagaId } = await createTask(await world.url(), 'erin');
  await meanwhile(world);
  await until(
    'the saga needs a person',
    async () => ((await get(await world.url(), `/sagas/${sagaId}`)).body as Saga).status === 'needsIntervention',
    60_000,
  );
  return { taskId, sagaId };
}

describe.each(manners)('scenario 0, $name', ({ start, meanwhile }) => {
  test('all is well: the saga completes', patience, async () => {
    const world = await start();
    const { taskId, sagaId } = await createTask(await world.url(), 'alice');
    await meanwhile(world);
    const saga = await settledSaga(await world.url(), sagaId);
    await untilSettled(world.ground, 1);
    expect(saga).toMatchObject({ status: 'completed', inconsistencies: [] });
    expect(await taskOf(await world.url(), taskId)).toMatchObject({ status: 'assigned' });
    expect(contradictions(await readEndState(world.ground))).toEqual([]);
  });

  test('the assignment is refused: the task is marked as failed, and nothing is unassigned', patience, async () => {
    const world = await start();
    const { taskId, sagaId } = await createTask(await world.url(), 'dave');
    await meanwhile(world);
    const saga = await settledSaga(await world.url(), sagaId);
    await untilSettled(world.ground, 1);
    expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [] });
    expect(typesOf(saga)).toEqual(expect.arrayContaining(['user.assignment.failed', 'task.marked.failed']));
    expect(typesOf(saga)).not.toContain('user.unassigned');
    expect(await taskOf(await world.url(), taskId)).toMatchObject({ failedStep: 'assignUser' });
    expect(await readEndState(world.ground)).toMatchObject({ assignments: [], reminders: [], mails: [] });
  });

  test('the notification is refused: the user is unassigned, then the task is marked as failed', patience, async () => {
    const world = await start();
    const { taskId, sagaId } = await createTask(await world.url(), 'erin');
    await meanwhile(world);
    const saga = await settledSaga(await world.url(), sagaId);
    await untilSettled(world.ground, 1);
    expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [] });
    const closing = ['notification.failed', 'user.unassigned', 'task.marked.failed'];
    expect(typesOf(saga).filter((type) => closing.includes(type))).toEqual(closing);
    expect(await taskOf(await world.url(), taskId)).toMatchObject({ failedStep: 'sendNotification' });
    expect(await readEndState(world.ground)).toMatchObject({ assignments: [], reminders: [], mails: [] });
  });

  test(
    'the undo of the assignment fails four times: a dead letter, and the task is still pending; resolved by an operator, it is marked as failed',
    patience,
    async () => {
      const world = await start();
      const { taskId, sagaId } = await deadLettered(world, meanwhile);
      expect(await taskOf(await world.url(), taskId)).toMatchObject({ status: 'pending_assignment', failedStep: null });
      const operator = world.operator('assignment');
      expect(await operator.deadLetters({ state: 'open' })).toMatchObject([
        {
          kind: 'compensation',
          sagaId,
          step: 'assignUser',
          reason: 'the disk is full (code P0001)',
          details: { event_type: 'notification.failed', taskId, attempts: 4, requires_manual_intervention: true },
        },
      ]);

      const word = { sagaId, step: 'assignUser', as: 'compensated', ...bob } as const;
      const answers = await Promise.all([operator.resolve(word), operator.resolve(word)]);
      expect(answers.map(({ verdict }) => verdict).toSorted()).toEqual(['alreadyApplied', 'applied']);

      const saga = await settledSaga(await world.url(), sagaId);
      await untilSettled(world.ground, 1);
      expect(saga).toMatchObject({
        status: 'aborted',
        steps: { assignUser: 'compensated' },
        inconsistencies: [],
        debts: [],
      });
      expect(typesOf(saga).filter((type) => type.endsWith('failed'))).toEqual([
        'notification.failed',
        'saga.compensation.failed',
        'task.marked.failed',
      ]);
      expect(await taskOf(await world.url(), taskId)).toMatchObject({
        status: 'assignment_failed',
        failedStep: 'sendNotification',
      });
      expect(await operator.inspect(sagaId)).toMatchObject({
        letters: [{ settled: { as: 'resolved', by: 'bob' } }],
        audit: [{ verb: 'resolve' }, { verb: 'resolve' }],
      });
    },
  );

  test(
    'the undo of the assignment fails four times; redriven when the cause is gone, it is undone once and the saga goes on',
    patience,
    async () => {
      const world = await start();
      const { sagaId } = await deadLettered(world, meanwhile);
      await query(world.ground.databases.assignment, mendedTable('assignment'));
      const operator = world.operator('assignment');
      expect(await operator.redrive({ sagaId, step: 'assignUser', ...bob })).toMatchObject({ verdict: 'applied' });
      const saga = await settledSaga(await world.url(), sagaId);
      await untilSettled(world.ground, 1);
      expect(saga).toMatchObject({ status: 'aborted', inconsistencies: [], debts: [] });
      expect(typesOf(saga).filter((type) => type === 'user.unassigned')).toHaveLength(1);
      expect(await readEndState(world.ground)).toMatchObject({ assignments: [], mails: [] });
    },
  );

  test(
    'the reminder is down: it is tried again, nothing is undone, and the saga completes late',
    patience,
    async () => {
      const world = await start();
      const { notification } = world.ground.databases;
      await query(notification, brokenTable('reminder', 'INSERT', 'true'));
      const { taskId, sagaId } = await createTask(await world.url(), 'alice');
      await meanwhile(world);
      const failing = `SELECT 1 FROM saga_step WHERE step = 'scheduleReminder' AND attempts >= 2`;
      await until('the reminder was tried twice', async () => (await query(notification, failing)).length > 0);
      expect(await taskOf(await world.url(), taskId)).not.toMatchObject({ status: 'assignment_failed' });
      await query(notification, mendedTable('reminder'));
      const saga = await settledSaga(await world.url(), sagaId);
      await untilSettled(world.ground, 1);
      expect(saga).toMatchObject({ status: 'completed', inconsistencies: [] });
      expect(contradictions(await readEndState(world.ground))).toEqual([]);
    },
  );
});
