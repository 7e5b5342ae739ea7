import { setTimeout as sleep } from 'node:timers/promises';
import { readEndState, type EndState } from '../../scripts/demo/end-state.js';
import { describeWithKafka } from '../support/kafka.js';
import { settledSaga } from './api.js';
import type { ServiceName } from './in-process.js';
import { assignedByLoad, createLoad, loadSize } from './load.js';
import { Processes } from './processes.js';
import { contradictions, query, until, untilSettled } from './rows.js';

/** Longer than a lease (30 s), after which what a dead process had begun outside is begun again. */
const settledWithinMs = 90_000;

describeWithKafka('services that die in mid-saga, under load', () => {
  let world: Processes;
  let tasks = 0;

  beforeAll(async () => {
    world = await Processes.start();
  });

  afterAll(() => world.stop());

  /**
   * Puts load on the services, ends one of them once it has done some of its work, lets the others go on for a while, starts it again, and waits
   * for the end. Resolves to the mails about the tasks of this run.
   */
  async function interrupted(service: ServiceName, run: string, end: () => Promise<void>): Promise<EndState['mails']> {
    const load = createLoad(world.urls, run);
    await untilWorking(service, run);
    await end();
    await sleep(500);
    await world.apps[service].restart();
    const accepted = await load;
    tasks += loadSize;
    await untilSettled(world.ground, tasks, settledWithinMs);

    const state = await readEndState(world.ground);
    expect(state.tasks).toHaveLength(tasks);
    expect(contradictions(state)).toEqual([]);
    expect(state.assignments.filter(({ user_id }) => user_id.startsWith(run))).toHaveLength(assignedByLoad);
    for (const { sagaId, taskId } of accepted) {
      const { status } = state.tasks.find(({ id }) => id === taskId)!;
      expect(await settledSaga(world.url, sagaId)).toMatchObject({
        status: status === 'assigned' ? 'completed' : 'aborted',
        inconsistencies: [],
      });
    }
    return state.mails.filter(({ text }) => accepted.some(({ taskId }) => text.includes(taskId)));
  }

  async function untilWorking(service: ServiceName, run: string): Promise<void> {
    const work: Record<ServiceName, string> = {
      task: `SELECT 1 FROM task WHERE assignee_id LIKE $1 || '-%'`,
      assignment: `SELECT 1 FROM assignment WHERE user_id LIKE $1 || '-%'`,
      notification: `SELECT 1 FROM saga_step WHERE status = 'done' AND step = 'sendNotification' AND result::text <> $1`,
    };
    const { length: before } = await query(world.ground.databases[service], work[service], [run]);
    await until(`some work of ${service} is done`, async () => {
      return (await query(world.ground.databases[service], work[service], [run])).length >= before + 4;
    });
  }

  test('kill -9 of the task service: requests without an answer are sent again, every saga settles, no mail twice', async () => {
    const mails = await interrupted('task', 'killed-task', () => world.apps.task.kill());
    expect(mails).toHaveLength(assignedByLoad);
  }, 150_000);

  test('kill -9 of the assignment service: every saga settles, nobody is assigned twice or beyond capacity, no mail twice', async () => {
    const mails = await interrupted('assignment', 'killed-assignment', () => world.apps.assignment.kill());
    expect(mails).toHaveLength(assignedByLoad);
  }, 150_000);

  test('kill -9 of the notification service: no mail is lost, and only one that was on its way may come twice, with the same Message-ID', async () => {
    const running = `SELECT inputs::text AS inputs FROM saga_step WHERE step = 'sendNotification' AND status = 'running'`;
    let onTheirWay: readonly string[] = [];
    const mails = await interrupted('notification', 'killed-notification', async () => {
      await world.apps.notification.kill();
      const rows = await query<{ inputs: string }>(world.ground.databases.notification, running);
      onTheirWay = rows.map(({ inputs }) => inputs);
    });
    const ids = mails.map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(assignedByLoad);
    for (const { text } of mails.filter(({ messageId }, index) => ids.indexOf(messageId) !== index)) {
      const taskId = /Task (\S+)/.exec(text)![1]!;
      expect(onTheirWay.some((inputs) => inputs.includes(taskId))).toBe(true);
    }
  }, 150_000);

  test('a service that is told to stop finishes what it has in hand: no mail twice', async () => {
    const mails = await interrupted('notification', 'stopped', async () => undefined);
    expect(mails).toHaveLength(assignedByLoad);
  }, 150_000);
});
