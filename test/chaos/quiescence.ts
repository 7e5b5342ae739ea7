import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../e2e/rows.js';
import { lagsOf } from './checker/collect.js';
import { services } from './world/replica.js';
import type { World } from './world/world.js';

const lookEvery = 250;
const redriveEvery = 3_000;

/** Steps that wait for a person, now that what made them fail is over. */
const waiting = `SELECT count(*)::integer AS count FROM saga_dead_letter WHERE kind IN ('compensation', 'undecided') AND settled_at IS NULL`;
/** What is still to do in one database: open rows, events to publish, dead letters of steps. */
const left = `SELECT ((SELECT count(*) FROM saga_step WHERE status IN ('running', 'compensating') OR next_attempt_at IS NOT NULL)
  + (SELECT count(*) FROM saga_outbox)
  + (${waiting}))::integer AS count`;
const pending = `SELECT count(*)::integer AS count FROM task WHERE status = 'pending_assignment'`;
/** Poison may name sagas that nobody has started: the tracker logs them, and they do not count. */
const untold = `SELECT count(*)::integer AS count FROM task LEFT JOIN saga_instance USING (saga_id)
  WHERE saga_instance.status IS NULL OR saga_instance.status NOT IN ('completed', 'aborted')`;

/** Redrives dead letters of steps, and waits until nothing is left to do anywhere, twice in a row, or the time is over: then the checker says what is stuck. Resolves to whether it came to rest. */
export async function quiescence(world: World, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  let redriven = 0;
  for (let calm = 0; calm < 2;) {
    if (performance.now() - redriven > redriveEvery && (await redrive(world))) redriven = performance.now();
    calm = (await isCalm(world)) ? calm + 1 : 0;
    if (performance.now() > deadline) return false;
    await sleep(lookEvery);
  }
  return true;
}

/** Every process is asked at the same time, so that two redrive the same letter. */
async function redrive(world: World): Promise<boolean> {
  let any = false;
  for (const service of services) {
    if ((await counted(world.databases[service], waiting)) === 0) continue;
    for (const replica of world.fleet.of(service)) replica.askRedrive();
    any = true;
  }
  return any;
}

async function isCalm(world: World): Promise<boolean> {
  for (const service of services) if ((await counted(world.databases[service], left)) > 0) return false;
  if ((await counted(world.databases.task, pending)) > 0) return false;
  if ((await lagsOf(world)).length > 0) return false;
  return (await counted(world.databases.task, untold)) === 0;
}

async function counted(url: string, sql: string): Promise<number> {
  return (await query<{ count: number }>(url, sql))[0]!.count;
}
