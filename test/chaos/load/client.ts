import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../support/random.js';
import type { Acknowledged } from '../checker/evidence.js';
import type { Fleet } from '../world/fleet.js';
import type { Plan, TaskRequest } from './requests.js';

const clients = 6;
const answerWithinMs = 5_000;
const acknowledgedWithinMs = 180_000;

export async function createUsers(fleet: Fleet, { places }: Plan): Promise<void> {
  const url = fleet.of('assignment')[0]!.url;
  for (const { user, capacity } of places) {
    const response = await fetch(`${url}/users/${user}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ capacity }),
    });
    if (!response.ok) throw new Error(`PUT /users/${user} answers ${response.status}: ${await response.text()}`);
  }
}

/**
 * Sends the requests of a plan over some time, by several clients at once. Who gets no answer, or an error of the server, asks again with the same
 * key, at another replica. Resolves when all are acknowledged.
 *
 * @param random chance of its own: how often it is asked depends on the faults
 */
export async function send(fleet: Fleet, plan: Plan, overMs: number, random: Random): Promise<readonly Acknowledged[]> {
  const waiting = [...plan.requests];
  const acknowledged: Acknowledged[] = [];
  const begun = performance.now();
  const client = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const share = 1 - waiting.length / plan.requests.length;
      await sleep(Math.max(0, begun + share * overMs - performance.now()));
      acknowledged.push(await acknowledgement(fleet, next, random));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return acknowledged;
}

async function acknowledgement(fleet: Fleet, request: TaskRequest, random: Random): Promise<Acknowledged> {
  const deadline = performance.now() + acknowledgedWithinMs;
  for (;;) {
    const answer = await ask(fleet.any('task', random).url, request);
    if (typeof answer !== 'string') return { key: request.key, user: request.user, ...answer };
    if (performance.now() > deadline) throw new Error(`${request.key} was never acknowledged: ${answer}`);
    await sleep(200);
  }
}

/** @returns why there is no acknowledgement, if there is none and it may be asked for again */
async function ask(
  url: string,
  { key, user, priority }: TaskRequest,
): Promise<Pick<Acknowledged, 'sagaId' | 'taskId'> | string> {
  let response: Response;
  try {
    response = await fetch(`${url}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ title: key, assigneeId: user, priority }),
      signal: AbortSignal.timeout(answerWithinMs),
    });
    if (response.status === 202) return (await response.json()) as Pick<Acknowledged, 'sagaId' | 'taskId'>;
  } catch (error) {
    return String(error);
  }
  const text = `${response.status} ${await response.text().catch(String)}`;
  if (response.status < 500) throw new Error(`POST /tasks for ${key} answers ${text}`);
  return text;
}
