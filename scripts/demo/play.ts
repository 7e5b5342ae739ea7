import { setTimeout as sleep } from 'node:timers/promises';
import { readEndState, type EndState } from './end-state.js';
import { differences, type Submitted } from './expectations.js';
import { readRequests } from './requests.js';
import type { Ground, Services } from './services.js';
import { sagaStatus, submit } from './task-api.js';

const betweenRequestsMs = 120;
const settledWithinMs = 30_000;

/** Submits all requests, wave by wave. Resolves when every saga has come to its end. */
export async function submitAll({ url }: Services, tell: (what: string) => void): Promise<readonly Submitted[]> {
  const submitted: Submitted[] = [];
  for (const [wave, requests] of readRequests()) {
    tell('');
    tell(`Tasks of the ${wave}`);
    for (const request of requests) {
      const accepted = await submit(url, request);
      if (submitted.some(({ taskId }) => taskId === accepted.taskId))
        tell(`"${request.title}" was sent again with the same Idempotency-Key and found its first task`);
      submitted.push({ request, ...accepted });
      await sleep(betweenRequestsMs);
    }
    await Promise.all(submitted.map(({ sagaId, request }) => untilEnded(url, sagaId, request.title)));
  }
  return submitted;
}

async function untilEnded(url: string, sagaId: string, title: string): Promise<void> {
  const deadline = performance.now() + settledWithinMs;
  for (;;) {
    const status = await sagaStatus(url, sagaId);
    if (status === 'completed' || status === 'aborted') return;
    if (performance.now() > deadline)
      throw new Error(`The saga of "${title}" (${sagaId}) is still ${status} after ${settledWithinMs / 1_000} s.`);
    await sleep(100);
  }
}

/** Listeners write their rows soon after the saga has ended: what differs is looked at again for a while. */
export async function compare(
  ground: Ground,
  submitted: readonly Submitted[],
): Promise<{ readonly state: EndState; readonly wrong: readonly string[] }> {
  for (let left = 50; ; left -= 1) {
    const state = await readEndState(ground);
    const wrong = differences(submitted, state);
    if (wrong.length === 0 || left === 0) return { state, wrong };
    await sleep(100);
  }
}
