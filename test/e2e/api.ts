import { TaskAssignment } from '@samples/contracts';
import { submit, type Accepted } from '../../scripts/demo/task-api.js';
import { until } from './rows.js';

export interface Saga {
  readonly status: string;
  readonly steps: Readonly<Record<string, string>>;
  readonly inconsistencies: readonly string[];
  readonly debts: readonly string[];
  readonly history: readonly { readonly type: string; readonly source: string; readonly data: object }[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export async function get(url: string, path: string): Promise<Answer> {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export async function send(
  url: string,
  method: 'POST' | 'PUT',
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

export function createTask(
  url: string,
  assigneeId: string,
  title = `Task for ${assigneeId}`,
  idempotencyKey?: string,
): Promise<Accepted> {
  return submit(url, {
    title,
    assigneeId,
    priority: 'normal',
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  });
}

/**
 * The saga as the tracker tells it once it has come to its end and the tracker has heard of all its steps: events may reach it in any order, so
 * it may know the end before it knows all that led there.
 */
export function settledSaga(url: string, sagaId: string, withinMs = 20_000): Promise<Saga> {
  return until(
    `saga ${sagaId} is settled`,
    async () => {
      const saga = (await get(url, `/sagas/${sagaId}`)).body as Saga;
      return isToldWhole(saga) && saga;
    },
    withinMs,
  );
}

function isToldWhole({ status, steps }: Saga): boolean {
  const outcomes = Object.values(steps);
  if (outcomes.length < Object.keys(TaskAssignment.steps).length) return false;
  return (
    status === 'completed' || (status === 'aborted' && !outcomes.includes('done') && !outcomes.includes('deadLettered'))
  );
}

export async function taskOf(url: string, taskId: string): Promise<Record<string, unknown>> {
  return (await get(url, `/tasks/${taskId}`)).body as Record<string, unknown>;
}
