import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sagas, inMemory } from 'nest-saga';
import { v7 } from 'uuid';
import { Assigning } from '../programs/assignment.saga.js';
import { Task } from '../programs/business-rows.js';
import { startService } from '../programs/nest-application.js';
import { TaskSteps } from '../programs/repository-steps.js';
import { tableBytes } from './server-counters.js';

/** What a saga costs while nothing happens to it, in bytes: here it waits for a service that is down. */
export interface Idle {
  readonly heap: number;
  readonly tables: number;
}

const warmUp = 2_000;
const together = 100;

export async function idleCost(url: string, sagas: number): Promise<Idle> {
  const parts = { service: 'task', url, row: Task, steps: TaskSteps } as const;
  const application = await startService({ ...parts, options: { transport: inMemory({ retention: 0 }) } });
  try {
    const start = (): Promise<unknown> =>
      application
        .get(Sagas)
        .start(Assigning, { taskId: v7(), title: 'Idle', assigneeId: 'user-17', deliverable: true });
    await startMany(start, warmUp);
    const before = await heapInUse();
    await startMany(start, sagas);
    return { heap: ((await heapInUse()) - before) / sagas, tables: (await tableBytes([url])) / (warmUp + sagas) };
  } finally {
    await application.close();
  }
}

async function startMany(start: () => Promise<unknown>, sagas: number): Promise<void> {
  for (let left = sagas; left > 0; left -= together) await Promise.all(Array.from({ length: together }, start));
}

async function heapInUse(): Promise<number> {
  await sleep(500); // the relay flushes
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  await sleep(100);
  collect();
  return process.memoryUsage().heapUsed;
}
