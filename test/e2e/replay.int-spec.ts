import { Kafka, logLevel } from 'kafkajs';
import { readEndState } from '../../scripts/demo/end-state.js';
import { describeWithKafka, kafkaBrokers } from '../support/kafka.js';
import { createTask, get, send, settledSaga } from './api.js';
import { createLoad, loadSize } from './load.js';
import { Processes } from './processes.js';
import { contradictions, query, until, untilSettled } from './rows.js';

/** One world for all of it, from a first load on: what was done is not done again. */
describeWithKafka('what happens again changes nothing', () => {
  let world: Processes;
  let before: unknown;

  beforeAll(async () => {
    world = await Processes.start();
    await createLoad(world.urls, 'first');
    await untilSettled(world.ground, loadSize, 60_000);
    before = await everything();
  }, 120_000);

  afterAll(() => world.stop());

  /** All that the services know, so that a difference in any row shows. */
  async function everything(): Promise<unknown> {
    const fences = 'SELECT saga_id, step, status, attempts, version FROM saga_step ORDER BY saga_id, step';
    const rows = await Promise.all(Object.values(world.ground.databases).map((url) => query(url, fences)));
    return { rows, state: await readEndState(world.ground) };
  }

  test('the same requests make no second task, assignment or mail', async () => {
    await createLoad(world.urls, 'first');
    await untilSettled(world.ground, loadSize);
    expect(await everything()).toEqual(before);
    expect(contradictions(await readEndState(world.ground))).toEqual([]);
  }, 60_000);

  test('D10: all events from offset 0 under other consumer groups lead to the same end state and no second mail, and rebuild the tracker', async () => {
    const { task } = world.ground.databases;
    const logged = 'SELECT message_id FROM saga_event ORDER BY message_id';
    const folded = 'SELECT saga_id, status, steps, inconsistencies FROM saga_instance ORDER BY saga_id';
    await untilConsumed('task.tracker');
    const tracked = [await query(task, logged), await query(task, folded)];
    await query(task, 'TRUNCATE saga_event, saga_instance');

    const groups = ['task', 'task.listeners', 'task.tracker', 'assignment', 'notification', 'notification.listeners'];
    for (const [name, app] of Object.entries(world.apps)) {
      await query(
        world.ground.databases[name as keyof typeof world.apps],
        `INSERT INTO saga_owner (service) VALUES ('${name}-again')`,
      );
      await app.restart({ SAGA_SERVICE: `${name}-again` });
    }
    for (const group of groups) await untilConsumed(group.replace(/^[a-z]+/, '$&-again'));
    expect(await everything()).toEqual(before);
    expect([await query(task, logged), await query(task, folded)]).toEqual(tracked);
    for (const app of Object.values(world.apps)) await app.restart(); // the steps are still those of the services' own names
  }, 120_000);

  test('sagas finish while the tracker is off, and it catches up when it is on again', async () => {
    await send(world.urls.assignment, 'PUT', '/users/frank', { capacity: 2 });
    await world.apps.task.restart({ TRACKER: 'off' });
    const assigned = await createTask(world.url, 'frank');
    const refused = await createTask(world.url, 'erin');
    await untilSettled(world.ground, loadSize + 2, 30_000);
    expect(contradictions(await readEndState(world.ground))).toEqual([]);
    expect(await get(world.url, `/sagas/${assigned.sagaId}`)).toMatchObject({ status: 404 });

    await world.apps.task.restart({ TRACKER: 'on' });
    expect((await settledSaga(world.url, assigned.sagaId)).status).toBe('completed');
    expect((await settledSaga(world.url, refused.sagaId)).status).toBe('aborted');
  }, 120_000);

  test('while the broker is away tasks are accepted and wait, over a crash too, and go on when it is back', async () => {
    const away = { KAFKA_BROKERS: '127.0.0.1:9' };
    await world.apps.task.restart(away, '/tasks');
    const { sagaId, status } = await createTask(world.url, 'frank');
    expect(status).toBe('pending_assignment');
    expect(await get(world.url, '/health')).toMatchObject({
      status: 200,
      body: {
        up: false,
        live: true,
        ready: true,
        consuming: { status: expect.stringMatching(/down|unknown/) },
        outbox: { size: 1 },
      },
    });
    await world.apps.task.kill();

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
