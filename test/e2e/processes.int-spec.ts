import { kafka } from 'nest-saga';
import { readEndState } from '../../scripts/demo/end-state.js';
import { describeWithKafka, kafkaBrokers } from '../support/kafka.js';
import { createTask, get, settledSaga, taskOf } from './api.js';
import { Processes } from './processes.js';
import { contradictions, untilSettled } from './rows.js';

describeWithKafka('three services as processes, a database each, over a real broker', () => {
  let world: Processes;

  beforeAll(async () => {
    world = await Processes.start();
  });

  afterAll(() => world.stop());

  test('tasks are assigned, refused, or closed backwards; each database tells its part of it', async () => {
    const [assigned, refused, undeliverable] = await Promise.all(
      ['alice', 'dave', 'erin'].map((user) => createTask(world.url, user)),
    );
    await untilSettled(world.ground, 3);

    expect(await settledSaga(world.url, assigned!.sagaId)).toMatchObject({ status: 'completed' });
    expect(await taskOf(world.url, assigned!.taskId)).toMatchObject({ status: 'assigned' });

    expect(await settledSaga(world.url, refused!.sagaId)).toMatchObject({
      status: 'aborted',
      steps: { createTask: 'compensated', assignUser: 'rejected' },
    });
    expect(await taskOf(world.url, refused!.taskId)).toMatchObject({
      status: 'assignment_failed',
      failedStep: 'assignUser',
    });

    const saga = await settledSaga(world.url, undeliverable!.sagaId);
    const backwards = ['task.created', 'user.assigned', 'notification.failed', 'user.unassigned', 'task.marked.failed'];
    expect(saga.history.map(({ type }) => type).filter((type) => backwards.includes(type))).toEqual(backwards);
    expect(saga.history.find(({ type }) => type === 'task.marked.failed')).toMatchObject({
      source: '/task',
      data: { failedStep: 'sendNotification', reason: expect.stringContaining('550 No mailbox here') as string },
    });

    const state = await readEndState(world.ground);
    expect(contradictions(state)).toEqual([]);
    expect(state.assignments).toMatchObject([{ task_id: assigned!.taskId, user_id: 'alice' }]);
    expect(state.mails).toHaveLength(1);
  });

  test('D12: all events of a saga are on one topic, in one partition, in the order in which they caused each other', async () => {
    const seen = new Map<string, { place: string; key: string; type: string }[]>();
    const reader = kafka({ brokers: kafkaBrokers() })({ service: 'reader', logger: console });
    await reader.subscribe({
      group: `${world.prefix}reader`,
      topics: [world.topic],
      handle: async (records) => {
        for (const { headers, key, origin } of records) {
          const events = seen.get(headers['ce_sagaid']!) ?? [];
          events.push({ place: `${origin.topic}/${origin.partition}`, key, type: headers['ce_type']! });
          seen.set(headers['ce_sagaid']!, events);
        }
      },
    });
    const accepted = await Promise.all([1, 2, 3, 4].map((n) => createTask(world.url, 'bob', `Task ${n}`)));
    await Promise.all(accepted.map(({ sagaId }) => settledSaga(world.url, sagaId)));
    await expect.poll(() => accepted.every(({ sagaId }) => seen.get(sagaId)?.length === 4)).toBe(true);
    await reader.close();

    for (const { sagaId } of accepted) {
      const events = seen.get(sagaId)!;
      expect(new Set(events.map(({ place }) => place)).size).toBe(1);
      expect(new Set(events.map(({ key }) => key))).toEqual(new Set([sagaId]));
      expect(events.map(({ type }) => type)).toEqual([
        'task.created',
        'user.assigned',
        'notification.sent',
        'reminder.scheduled',
      ]);
    }
  });

  test('the task service describes its API', async () => {
    const { body } = await get(world.url, '/api-json');
    const { paths } = body as { paths: Record<string, { post?: { requestBody: unknown } }> };
    expect(Object.keys(paths)).toEqual(['/tasks', '/tasks/{id}', '/sagas/{id}', '/health', '/health/ready']);
    expect(JSON.stringify(paths['/tasks']?.post?.requestBody)).toContain('assigneeId');
  });
});
