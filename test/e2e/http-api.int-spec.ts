import { createTask, get, send } from './api.js';
import { InProcess } from './in-process.js';
import { query, until } from './rows.js';

const report = { title: 'Prepare the report', assigneeId: 'alice', priority: 'high' };
const unknown = '00000000-0000-4000-8000-000000000000';

describe('the HTTP API of the services', () => {
  test('a task is accepted with 202, where to find it, and its saga', async () => {
    const url = await (await InProcess.start(['task'])).url();
    const { status, headers, body } = await send(url, 'POST', '/tasks', report);
    const { taskId, sagaId } = body as { taskId: string; sagaId: string };
    expect({ status, body }).toEqual({ status: 202, body: { taskId, sagaId, status: 'pending_assignment' } });
    expect(headers.get('location')).toBe(`/tasks/${taskId}`);
    expect(await get(url, `/tasks/${taskId}`)).toMatchObject({
      status: 200,
      body: { ...report, id: taskId, sagaId, status: 'pending_assignment' },
    });
    const known = async (): Promise<boolean> =>
      ((await get(url, `/sagas/${sagaId}`)).body as { status: string }).status === 'running';
    await until('the tracker has seen its first event', known);
  });

  test('a saga can be asked for as soon as its start is answered', async () => {
    const url = await (await InProcess.start(['task'])).url();
    const { sagaId } = await createTask(url, 'alice');
    const { status, body } = await get(url, `/sagas/${sagaId}`);
    expect(status).toBe(200);
    expect(['unknown', 'running']).toContain((body as { status: string }).status);
  });

  test('the same Idempotency-Key finds the first task, also when the requests come at once; with other content it is refused', async () => {
    const world = await InProcess.start(['task']);
    const url = await world.url();
    const key = { 'idempotency-key': 'order-4711' };
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => send(url, 'POST', '/tasks', report, key)));
    answers.push(await send(url, 'POST', '/tasks', { ...report, title: `  ${report.title} ` }, key));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 202]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await query(world.ground.databases.task, 'SELECT id FROM task')).toHaveLength(1);

    const other = await send(url, 'POST', '/tasks', { ...report, title: 'Another' }, key);
    expect(other).toMatchObject({ status: 422, body: { message: expect.stringContaining('another task') as string } });
    expect(await query(world.ground.databases.task, 'SELECT id FROM task')).toHaveLength(1);
  });

  test('without a key the same request makes two tasks', async () => {
    const world = await InProcess.start(['task']);
    const first = await createTask(await world.url(), 'alice');
    const second = await createTask(await world.url(), 'alice');
    expect(second.taskId).not.toBe(first.taskId);
  });

  test('a request that makes no sense is answered with 400 and with what is wrong, and makes no task', async () => {
    const world = await InProcess.start(['task']);
    const url = await world.url();
    const wrong: [body: unknown, problem: string][] = [
      [{ assigneeId: 'alice' }, 'title: '],
      [{ ...report, title: '   ' }, 'title: '],
      [{ ...report, title: 'x'.repeat(201) }, 'title: '],
      [{ ...report, priority: 'urgent' }, 'priority: '],
      [{ ...report, assigneeId: 7 }, 'assigneeId: '],
      ['[]', 'expected object'],
      ['{"title":', 'JSON'],
    ];
    for (const [body, problem] of wrong) {
      const answer = await send(url, 'POST', '/tasks', body);
      expect(answer.status).toBe(400);
      expect(String((answer.body as { message: unknown }).message)).toContain(problem);
    }
    expect(await query(world.ground.databases.task, 'SELECT 1 FROM task')).toEqual([]);
  });

  test('what is not there is 404, what is no id is 400', async () => {
    const url = await (await InProcess.start(['task'])).url();
    expect(await get(url, `/tasks/${unknown}`)).toMatchObject({ status: 404 });
    expect(await get(url, `/sagas/${unknown}`)).toMatchObject({ status: 404 });
    expect(await get(url, '/tasks/7')).toMatchObject({ status: 400 });
    expect(await get(url, '/sagas/7')).toMatchObject({ status: 400 });
  });

  test('tasks are listed by pages, newest first', async () => {
    const url = await (await InProcess.start(['task'])).url();
    for (const title of ['one', 'two', 'three']) await createTask(url, 'alice', title);
    const titles = async (page: string): Promise<unknown> => {
      const { body } = await get(url, `/tasks${page}`);
      const { items, ...rest } = body as { items: { title: string }[] };
      return { ...rest, items: items.map(({ title }) => title) };
    };
    expect(await titles('')).toEqual({ items: ['three', 'two', 'one'], total: 3, page: 1, limit: 20 });
    expect(await titles('?page=2&limit=2')).toEqual({ items: ['one'], total: 3, page: 2, limit: 2 });
    expect(await get(url, '/tasks?limit=0')).toMatchObject({ status: 400 });
  });

  test('users are listed, added and given another capacity', async () => {
    const url = await (await InProcess.start(['assignment'])).url('assignment');
    expect(await send(url, 'PUT', '/users/frank', { capacity: 2 })).toMatchObject({ status: 200 });
    expect(await send(url, 'PUT', '/users/alice', { capacity: 3 })).toMatchObject({ status: 200 });
    const users = (await get(url, '/users')).body as { id: string; capacity: number }[];
    expect(users.filter(({ id }) => ['alice', 'frank'].includes(id))).toEqual([
      { id: 'alice', capacity: 3 },
      { id: 'frank', capacity: 2 },
    ]);
    expect(await send(url, 'PUT', '/users/frank', { capacity: -1 })).toMatchObject({ status: 400 });
    expect(await send(url, 'PUT', '/users/No%20Name', { capacity: 1 })).toMatchObject({ status: 400 });
    expect(await get(url, '/assignments')).toMatchObject({ status: 200, body: [] });
  });

  test.each(['task', 'assignment', 'notification'] as const)(
    'the %s service tells that it hears its events and how many it still has to publish',
    async (service) => {
      const url = await (await InProcess.start([service])).url(service);
      expect(await get(url, '/health')).toMatchObject({ status: 200, body: { up: true, outbox: { size: 0 } } });
    },
  );

  test('a database that was filled is not filled again', async () => {
    const world = await InProcess.start(['assignment']);
    await query(world.ground.databases.assignment, `DELETE FROM assignable_user WHERE id <> 'alice'`);
    await world.stop('assignment');
    await world.start('assignment');
    expect((await get(await world.url('assignment'), '/users')).body).toEqual([{ id: 'alice', capacity: 10 }]);
  });
});
