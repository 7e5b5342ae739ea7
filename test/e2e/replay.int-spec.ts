import { Kafka, logLevel } from 'kafkajs';
import { readEndState } from '../../scripts/demo/end-state.js';
import { describeWithKafka, kafkaBrokers } from '../support/kafka.js';
import { createTask, get, settledSaga, type Saga } from './api.js';
import { assignedByLoad, createLoad, loadSize } from './load.js';
import { Processes } from './processes.js';
import { contradictions, query, until, untilSettled } from './rows.js';

describeWithKafka('what was there before is not done again', () => {
  let world: Processes;

  beforeEach(async () => {
    world = await Processes.start();
  });

  afterEach(() => world.stop());

  /** All that the services know, so that a difference of any row shows. */
  async function everything(): Promise<unknown> {
    const fences = 'SELECT saga_id, step, status, attempts, version FROM saga_step ORDER BY saga_id, step';
    const rows = await Promise.all(Object.values(world.ground.databases).map((url) => query(url, fences)));
    return { rows, state: await readEndState(world.ground) };
  }

  test('the same requests again make no task, no assignment and no mail', async () => {
    const first = await createLoad(world.url, 'twice');
    await untilSettled(world.ground, loadSize, 60_000);
    const before = await everything();

    const again = await createLoad(world.url, 'twice');
    expect(again.map(({ taskId }) => taskId).toSorted()).toEqual(first.map(({ taskId }) => taskId).toSorted());
    await untilSettled(world.ground, loadSize);
    expect(await everything()).toEqual(before);
  }, 120_000);

  test('D10: all events again, from offset 0 under other consumer groups: the same end state, no second mail, and the tracker is rebuilt', async () => {
    const accepted = await createLoad(world.url, 'replay');
    await untilSettled(world.ground, loadSize, 60_000);
    const sagas = await Promise.all(accepted.map(({ sagaId }) => settledSaga(world.url, sagaId)));
    const before = await everything();
    const { task } = world.ground.databases;
    const logged = 'SELECT message_id FROM saga_event ORDER BY message_id';
    await until('the tracker has heard all', async () => (await query(task, logged)).length >= 4 * assignedByLoad);
    const log = await query(task, logged);
    await query(task, 'TRUNCATE saga_event, saga_instance');

    for (const [name, app] of Object.entries(world.apps)) await app.restart({ SAGA_SERVICE: `${name}-again` });
    for (const group of [
      'task',
      'task.listeners',
      'task.tracker',
      'assignment',
      'notification',
      'notification.listeners',
    ])
      await untilConsumed(group.replace(/^[a-z]+/, '$&-again'));
    expect(await everything()).toEqual(before);
    expect(await query(task, logged)).toEqual(log);
    for (const [index, { sagaId }] of accepted.entries()) {
      const { status, steps } = sagas[index]!;
      expect(await settledSaga(world.url, sagaId)).toMatchObject({ status, steps, inconsistencies: [] });
    }
  }, 120_000);

  test('sagas finish while the tracker is off, and it catches up when it is on again', async () => {
    await world.apps.task.restart({ TRACKER: 'off' });
    const { sagaId } = await createTask(world.url, 'alice');
    const { sagaId: refused } = await createTask(world.url, 'erin');
    await untilSettled(world.ground, 2, 30_000);
    expect(contradictions(await readEndState(world.ground))).toEqual([]);
    expect(await get(world.url, `/sagas/${sagaId}`)).toMatchObject({ status: 404 });

    await world.apps.task.restart({ TRACKER: 'on' });
    expect((await settledSaga(world.url, sagaId)).status).toBe('completed');
    expect((await settledSaga(world.url, refused)).status).toBe('aborted');
  }, 120_000);

  test('while the broker is away tasks are accepted and wait, also over a restart, and go on when it is back', async () => {
    const away = { KAFKA_BROKERS: '127.0.0.1:9' };
    await world.apps.task.restart(away, '/tasks');
    const { sagaId, status } = await createTask(world.url, 'alice');
    expect(status).toBe('pending_assignment');
    expect(await get(world.url, '/health')).toMatchObject({ status: 503, body: { up: false, outbox: { size: 1 } } });
    await world.apps.task.restart(away, '/tasks');
    expect((await get(world.url, `/sagas/${sagaId}`)).body).toMatchObject({
      status: 'unknown',
    } satisfies Partial<Saga>);

    await world.apps.task.restart({ KAFKA_BROKERS: kafkaBrokers().join(',') });
    expect((await settledSaga(world.url, sagaId)).status).toBe('completed');
  }, 120_000);

  /** The group has committed the end of every partition. */
  async function untilConsumed(name: string): Promise<void> {
    const admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    try {
      await until(`${name} has consumed all`, async () => {
        const ends = await admin.fetchTopicOffsets(world.topic);
        const groups = await admin.fetchOffsets({ groupId: `${world.prefix}${name}`, topics: [world.topic] });
        const committed = new Map(groups[0]?.partitions.map(({ partition, offset }) => [partition, offset]));
        return ends.every(({ partition, high }) => high === '0' || committed.get(partition) === high);
      });
    } finally {
      await admin.disconnect();
    }
  }
});
