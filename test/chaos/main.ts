import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random, shuffled } from '../support/random.js';
import { catalog } from './faults/catalog.js';
import type { Fault } from './faults/fault.js';
import { optionsFrom, usage, type ChaosOptions } from './options.js';
import { Rounds, type Outcome } from './round.js';
import { heading, rowOf, totalOf, violationLines } from './table.js';
import { startServers, type Servers } from './world/servers.js';
import { World } from './world/world.js';

// The long form: `npm run chaos`. Fails when an invariant is violated.

const restWithinMs = 180_000;

async function main(args: readonly string[]): Promise<void> {
  const options = optionsFrom(args);
  if (options === 'list') {
    for (const { name, does } of catalog) console.log(`${name.padEnd(34)} ${does}`);
    return;
  }
  console.log(`seed ${options.seed}; starting Postgres, Kafka and ${options.replicas} processes of each service`);
  const servers = await startServers(options.brokers);
  try {
    await run(servers, options);
  } finally {
    await servers.stop();
  }
}

async function run(servers: Servers, options: ChaosOptions): Promise<void> {
  const world = await World.start(servers, options.replicas);
  try {
    const rounds = new Rounds(world, { ...options, restWithinMs });
    console.log(heading);
    const outcomes: Outcome[] = [];
    for (const fault of order(playable(servers, options.faults), options)) {
      const outcome = await rounds.play(fault);
      outcomes.push(outcome);
      tell(outcome, world, options);
    }
    console.log(totalOf(outcomes));
    if (outcomes.length === 0) throw new Error('No fault was played.');
  } finally {
    await world.stop();
  }
}

function tell(outcome: Outcome, world: World, { seed, replicas, sagas }: ChaosOptions): void {
  console.log(rowOf(outcome));
  if (outcome.violations.length === 0) return;
  process.exitCode = 1;
  for (const line of violationLines(outcome)) console.log(line);
  const folder = keptLogs(world, `${seed}-${outcome.fault}`);
  console.log(
    `  again: npm run chaos -- --seed ${seed} --only ${outcome.fault} --replicas ${replicas} --sagas ${sagas}; what the processes said: ${folder}`,
  );
}

/** Faults that hurt a server are left out where it is not ours, and said so. */
function playable(servers: Servers, faults: readonly Fault[]): readonly Fault[] {
  const has = {
    postgres: servers.postgres,
    kafka: servers.kafka,
    brokers: servers.kafka && servers.brokers.length > 1,
  };
  return faults.filter(({ name, needs }) => {
    if (needs === undefined || has[needs]) return true;
    const missing = needs === 'brokers' ? 'several brokers of our own (--brokers 3)' : `a ${needs} of our own`;
    console.log(`${name} is left out: it needs ${missing}`);
    return false;
  });
}

/** All of them in random order, once, or again and again until the time is over. */
function* order(faults: readonly Fault[], { seed, durationMs }: ChaosOptions): Generator<Fault> {
  const random = new Random(seed);
  const end = performance.now() + (durationMs ?? 0);
  do {
    for (const fault of shuffled(faults, random)) {
      yield fault;
      if (durationMs !== undefined && performance.now() > end) return;
    }
  } while (performance.now() < end);
}

function keptLogs(world: World, name: string): string {
  const folder = join('.cache', 'chaos', name);
  mkdirSync(folder, { recursive: true });
  for (const replica of world.fleet.replicas) writeFileSync(join(folder, `${replica.name}.log`), replica.log);
  return folder;
}

try {
  await main(process.argv.slice(3));
} catch (error) {
  console.error(error instanceof Error && error.name.startsWith('ERR_') ? error.message : error);
  console.error(usage);
  process.exitCode = 1;
}
