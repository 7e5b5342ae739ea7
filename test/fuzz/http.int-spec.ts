import fc from 'fast-check';
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { InProcess } from '../e2e/in-process.js';
import { query } from '../e2e/rows.js';
import { anyJson, anyText, oddJson } from './odd-values.js';
import { patience, tries } from './tries.js';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

const task = { title: 'Report', assigneeId: 'alice', priority: 'high' };
const segment = anyText.map((text) => encodeURIComponent(text.replaceAll(/\p{Cs}/gu, '?')).slice(0, 4_000));
const anyPath = fc.oneof(
  fc.constantFrom(
    '/tasks',
    '/tasks/%00',
    '/tasks/%E0%A4%A',
    '/sagas/7',
    "/sagas/'%20OR%201=1",
    `/sagas/${randomUUID()}`,
  ),
  fc.tuple(fc.constantFrom('/tasks', '/sagas'), segment).map(([base, id]) => `${base}/${id}`),
  fc.tuple(segment, segment).map(([page, limit]) => `/tasks?page=${page}&limit=${limit}&page[a]=1`),
);
const anyBody = fc.oneof(
  fc.constantFrom(...oddJson),
  anyJson.map((value) => JSON.stringify(value)),
  fc.record({ title: anyJson, assigneeId: anyText, priority: anyText }).map((changed) => JSON.stringify(changed)),
  anyText.map((title) => JSON.stringify({ ...task, title })),
);
const anyHeaders = fc.record({
  'content-type': fc.constantFrom(
    'application/json',
    'text/plain',
    'application/xml',
    'multipart/form-data',
    'application/json; charset=klingon',
  ),
  'idempotency-key': fc.oneof(fc.constantFrom('k'.repeat(10_000), 'a\u00ff', ' ', "'; DROP TABLE task; --"), fc.uuid()),
});
const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  anyPath.map((path) => ({ method: 'GET', path, headers: {} })),
  fc.tuple(anyBody, anyHeaders).map(([body, headers]) => ({ method: 'POST', path: '/tasks', headers, body })),
);

const answeredBy =
  (url: string) =>
  async ({ path, ...request }: Request): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${url}${path}`, request);
    return { status: response.status, text: await response.text() };
  };

test(
  'any request to the tasks is answered with what was wrong about it, never with a failure',
  { timeout: 2 * patience },
  async () => {
    const world = await InProcess.start(['task']);
    const url = await world.url();
    const answer = answeredBy(url);
    await fc.assert(
      fc.asyncProperty(anyRequest, async (request) => {
        const { status, text } = await answer(request);
        expect([200, 202, 400, 404, 413, 415, 422]).toContain(status);
        expect(Object.keys(JSON.parse(text) as object).length).toBeGreaterThan(0);
      }),
      tries(150),
    );
    const post = (body: unknown, headers = {}) =>
      answer({
        method: 'POST',
        path: '/tasks',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
    expect(await post({ ...task, title: 'a\0b' })).toMatchObject({
      status: 400,
      text: expect.stringContaining('control') as string,
    });
    expect(await post({ ...task, titel: 'Report' })).toMatchObject({
      status: 400,
      text: expect.stringContaining('titel') as string,
    });
    expect(await post({ ...task, title: 'x'.repeat(200_000) })).toMatchObject({ status: 413 });
    expect(await post(task, { 'idempotency-key': 'k'.repeat(256) })).toMatchObject({
      status: 400,
      text: expect.stringContaining('Idempotency-Key has 256 characters') as string,
    });
    expect(await post(task)).toMatchObject({ status: 202 });
    const odd = await query(
      world.ground.databases.task,
      `SELECT 1 FROM task WHERE title ~ '[[:cntrl:]]' OR length(title) > 200`,
    );
    expect(odd).toEqual([]);
  },
);

const anyUser = fc.oneof(
  fc.constantFrom('zoe', '__proto__', 'constructor', '%00', '%E0%A4%A', "'%20OR%201=1", 'x'.repeat(101)),
  segment,
);
const anyCapacity = fc.oneof(
  anyBody,
  fc.oneof(fc.double(), fc.maxSafeInteger(), anyText).map((capacity) => JSON.stringify({ capacity })),
);
const anyQuestion: fc.Arbitrary<Request & { readonly to: 'assignment' | 'notification' }> = fc.oneof(
  fc.tuple(anyUser, anyCapacity, anyHeaders).map(([id, body, headers]) => ({
    to: 'assignment' as const,
    method: 'PUT',
    path: `/users/${id}`,
    headers,
    body,
  })),
  fc
    .tuple(
      fc.constantFrom('assignment', 'notification'),
      fc.constantFrom('', '/users', '/assignments', '/notifications', '/reminders', '/health'),
      segment,
      fc.constantFrom('GET', 'POST', 'DELETE', 'PATCH'),
    )
    .map(([to, path, limit, method]) => ({ to, method, path: `${path}?limit=${limit}&limit[a]=1`, headers: {} })),
  segment.map((path) => ({ to: 'notification' as const, method: 'GET', path: `/${path}`, headers: {} })),
);

test(
  'nor is any request to the assignments and notifications; users that are put at once are put',
  { timeout: 2 * patience },
  async () => {
    const world = await InProcess.start(['assignment', 'notification']);
    const asked = {
      assignment: answeredBy(await world.url('assignment')),
      notification: answeredBy(await world.url('notification')),
    };
    const put = (id: string, capacity: unknown): Promise<{ status: number }> =>
      asked.assignment({
        method: 'PUT',
        path: `/users/${id}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ capacity }),
      });
    await fc.assert(
      fc.asyncProperty(anyQuestion, async ({ to, ...request }) => {
        const { status, text } = await asked[to](request);
        expect([200, 400, 404, 413, 415, 422]).toContain(status);
        expect(JSON.parse(text)).toBeTypeOf('object');
      }),
      tries(150),
    );
    for (const user of ['yan', 'zoe']) {
      const answers = await Promise.all(Array.from({ length: 8 }, (_, capacity) => put(user, capacity)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    }
    const { databases } = world.ground;
    expect(
      await query(databases.assignment, `SELECT count(*)::int AS n FROM assignable_user WHERE id = 'zoe'`),
    ).toEqual([{ n: 1 }]);
    expect(await query(databases.assignment, `SELECT 1 FROM assignable_user WHERE id !~ '^[a-z0-9._-]+$'`)).toEqual([]);
  },
);
