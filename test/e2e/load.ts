import { setTimeout as sleep } from 'node:timers/promises';
import type { Accepted } from '../../scripts/demo/task-api.js';
import { createTask } from './api.js';

/** As many more than alice (10), bob (5) and carol (1) take, some that nobody takes, some whose notification is refused. */
const assignees = [
  ...Array.from({ length: 14 }, () => 'alice'),
  ...Array.from({ length: 6 }, () => 'bob'),
  ...Array.from({ length: 2 }, () => 'carol'),
  ...Array.from({ length: 2 }, () => 'dave'),
  ...Array.from({ length: 4 }, () => 'erin'),
  ...Array.from({ length: 2 }, () => 'nobody'),
];

export const loadSize = assignees.length;
export const assignedByLoad = 10 + 5 + 1;

const clients = 4;

/** Creates all tasks, in a mixed order and from some clients at once. A client that gets no answer asks again, with the same key. */
export async function createLoad(url: string, run: string): Promise<readonly Accepted[]> {
  const waiting = assignees.map((user, index) => ({ user, key: `${run}-${index}`, turn: (index * 7) % loadSize }));
  waiting.sort((a, b) => a.turn - b.turn);
  const accepted: Accepted[] = [];
  const client = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      accepted.push(await createSurely(url, next.user, next.key));
      await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return accepted;
}

async function createSurely(url: string, user: string, key: string): Promise<Accepted> {
  for (;;) {
    try {
      return await createTask(url, user, key, key);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // fetch got no answer
      await sleep(200);
    }
  }
}
