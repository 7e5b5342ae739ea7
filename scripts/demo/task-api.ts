import type { Request } from './requests.js';

export interface Accepted {
  readonly taskId: string;
  readonly sagaId: string;
  readonly status: string;
}

/** Creates a task as any client would. */
export async function submit(url: string, request: Request): Promise<Accepted> {
  const { idempotencyKey, refusedAt: _expected, ...task } = request;
  const response = await fetch(`${url}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(idempotencyKey && { 'idempotency-key': idempotencyKey }) },
    body: JSON.stringify(task),
  });
  if (response.status !== 202)
    throw new Error(`POST /tasks "${task.title}" answers ${response.status}: ${await response.text()}`);
  return (await response.json()) as Accepted;
}

/** @returns the saga's state as the tracker knows it */
export async function sagaStatus(url: string, sagaId: string): Promise<string> {
  const response = await fetch(`${url}/sagas/${sagaId}`);
  if (!response.ok) throw new Error(`GET /sagas/${sagaId} answers ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { status: string }).status;
}
