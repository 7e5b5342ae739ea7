import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Holding } from '../agent/resources.js';
import type { Replica } from './replica.js';

const toldWithinMs = 10_000;

/** Asks every process what it holds. A process that has ended meanwhile is left out. */
export async function holdingsOf(replicas: readonly Replica[], file: string): Promise<ReadonlyMap<number, Holding>> {
  rmSync(file, { force: true });
  for (const replica of replicas) replica.askHolding();
  const deadline = performance.now() + toldWithinMs;
  let told = read(file);
  while (told.size < replicas.length && performance.now() < deadline) {
    await sleep(100);
    told = read(file);
  }
  return told;
}

function read(file: string): ReadonlyMap<number, Holding> {
  if (!existsSync(file)) return new Map();
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return new Map(lines.map((line) => JSON.parse(line) as Holding).map((holding) => [holding.pid, holding]));
}
