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

  beforeEach(async () => {
    world = await Processes.start();
  });

  afterEach(() => world.stop());

  const untilRows = (service: ServiceName, sql: string): Promise<unknown> =>
    until(
      `some work of ${service} is done`,
      async () => (await query(world.ground.databases[service], sql)).length >= 4,
    );

  /** Ends the service once it has done some of its work, lets the others go on for a while, starts it again, and waits for the end. */
  async function interrupted(service: ServiceName, work: string, end: () => Promise<void>): Promise<EndState> {
    const load = createLoad(world.url, service);
    await untilRows(service, work);
    await end();
    await sleep(500);
    await world.apps[service].restart();
    const accepted = await load;
    await untilSettled(world.ground, loadSize, settledWithinMs);

    const state = await readEndState(world.ground);
    expect(contradictions(state)).toEqual([]);
    expect(state.tasks).toHaveLength(loadSize);
    expect(state.assignments).toHaveLength(assignedByLoad);
    for (const { sagaId, taskId } of accepted) {
      const { status } = state.tasks.find(({ id }) => id === taskId)!;
      expect(await settledSaga(world.url, sagaId)).toMatchObject({
        status: status === 'assigned' ? 'completed' : 'aborted',
        inconsistencies: [],
      });
    }
    return state;
  }

  test('kill -9 of the task service: requests without an answer are sent again, every saga settles, no mail twice', async () => {
    const state = await interrupted('task', 'SELECT 1 FROM task', () => world.apps.task.kill());
    expect(state.mails).toHaveLength(assignedByLoad);
  }, 180_000);

  test('kill -9 of the assignment service: every saga settles, nobody is assigned twice or beyond capacity, no mail twice', async () => {
    const state = await interrupted('assignment', 'SELECT 1 FROM assignment', () => world.apps.assignment.kill());
    expect(state.mails).toHaveLength(assignedByLoad);
  }, 180_000);

  test('kill -9 of the notification service: no mail is lost, and only one that was on its way may come twice, with the same Message-ID', async () => {
    const { notification } = world.ground.databases;
    let onTheirWay: readonly string[] = [];
    const done = `SELECT 1 FROM saga_step WHERE step = 'sendNotification' AND status = 'done'`;
    const state = await interrupted('notification', done, async () => {
      await world.apps.notification.kill();
      const running = `SELECT inputs::text AS inputs FROM saga_step WHERE step = 'sendNotification' AND status = 'running'`;
      onTheirWay = (await query<{ inputs: string }>(notification, running)).map(({ inputs }) => inputs);
    });
    const ids = state.mails.map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(assignedByLoad);
    const twice = state.mails.filter(({ messageId }, index) => ids.indexOf(messageId) !== index);
    for (const { text } of twice) {
      const task = /Task (\S+)/.exec(text)![1]!;
      expect(onTheirWay.some((inputs) => inputs.includes(task))).toBe(true);
    }
  }, 180_000);

  test('a service that is told to stop finishes what it has in hand: no mail twice', async () => {
    const done = `SELECT 1 FROM saga_step WHERE step = 'sendNotification' AND status = 'done'`;
    const state = await interrupted('notification', done, async () => undefined);
    expect(state.mails).toHaveLength(assignedByLoad);
  }, 180_000);
});
