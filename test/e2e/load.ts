import { setTimeout as sleep } from 'node:timers/promises';
import type { Accepted } from '../../scripts/demo/task-api.js';
import { createTask, send } from './api.js';

/** More tasks than two users take, some that nobody takes, and some of which nobody can be notified. */
const users = [
  { name: 'alice', capacity: 10, tasks: 14 },
  { name: 'bob', capacity: 5, tasks: 8 },
  { name: 'on-leave', capacity: 0, tasks: 2 },
  { name: 'undeliverable', capacity: 4, tasks: 4 },
];
const strangers = 2;

export const loadSize = users.reduce((sum, { tasks }) => sum + tasks, strangers);
/** However the tasks are mixed, so many are assigned in the end. */
export const assignedByLoad = 10 + 5;

const clients = 4;

/** Creates tasks for users of this run, in a mixed order and by some clients at once. A client that gets no answer asks again, with the same key. */
export async function createLoad(
  urls: { readonly task: string; readonly assignment: string },
  run: string,
): Promise<readonly Accepted[]> {
  for (const { name, capacity } of users) await send(urls.assignment, 'PUT', `/users/${run}-${name}`, { capacity });
  const names = [...users, { name: 'stranger', tasks: strangers }].flatMap(({ name, tasks }) =>
    Array.from({ length: tasks }, () => `${run}-${name}`),
  );
  const waiting = names.map((_name, index) => ({ user: names[(index * 7) % loadSize]!, key: `${run}-${index}` }));
  const accepted: Accepted[] = [];
  const client = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      accepted.push(await createSurely(urls.task, next.user, next.key));
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
