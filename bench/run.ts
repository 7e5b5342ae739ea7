import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { countAll, weighIdle } from './counters/all.js';
import type { Idle } from './counters/idle.js';
import { optionsFrom, usage } from './options.js';
import { runSession } from './process/session.js';
import type { Result } from './process/rounds.js';
import { catalog } from './programs/catalog.js';
import { counterGoalLines, counterTable, idleGoalLines, type Counted } from './report/counter-lines.js';
import { Figures } from './report/figures.js';
import { goalLines } from './report/goals.js';
import { tables } from './report/table.js';

function tell({ program, ending, concurrency, run, sagasPerSecond, latency }: Result): void {
  const rate = `${Math.round(sagasPerSecond)} sagas/s, p50 ${latency.p50.toFixed(1)} ms`;
  console.log(`run ${run + 1}, ${ending}, ${concurrency} at a time, ${catalog[program].title}: ${rate}`);
}

async function main(): Promise<void> {
  const options = optionsFrom(process.argv.slice(2));
  if (options === 'help') return console.log(usage);
  const results = await runSession(options, tell);
  console.log(`\n${tables(new Figures(results))}\n`);
  const counters = options.short ? undefined : await countEverything();
  if (counters) console.log(`${counterTable(counters.counted)}\n`);
  console.log('Goals, by the medians of this run. On a shared machine only ratios mean anything.');
  for (const line of goalLines(new Figures(results))) console.log(line);
  if (counters) for (const line of counterGoals(counters)) console.log(line);
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ results, ...counters }, undefined, 1));
}

interface Everything {
  readonly counted: readonly Counted[];
  readonly idle: Idle;
}

async function countEverything(): Promise<Everything> {
  console.log('Counting round trips, commits and bytes ...');
  return { counted: await countAll(), idle: await weighIdle(20_000) };
}

function counterGoals({ counted, idle }: Everything): readonly string[] {
  return [...counterGoalLines(counted), ...idleGoalLines(idle)];
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
