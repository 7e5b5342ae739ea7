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

test(
  'any request to the tasks is answered with what was wrong about it, never with a failure',
  { timeout: 2 * patience },
  async () => {
    const world = await InProcess.start(['task']);
    const url = await world.url();
    const answer = async ({ path, ...request }: Request): Promise<{ status: number; text: string }> => {
      const response = await fetch(`${url}${path}`, request);
      return { status: response.status, text: await response.text() };
    };
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
