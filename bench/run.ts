import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { countAll, weighIdle } from './counters/all.js';
import { optionsFrom, usage } from './options.js';
import { runSession } from './process/session.js';
import type { Result } from './process/rounds.js';
import { catalog } from './programs/catalog.js';
import { counterGoalLines, counterTable, idleGoalLines } from './report/counter-lines.js';
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
  console.log('Counting round trips, commits and bytes ...');
  const counted = await countAll(options.short);
  const idle = await weighIdle(options.short ? 2_000 : 20_000);
  console.log(`${counterTable(counted)}\n`);
  console.log('Goals, by the medians of this run. On a shared machine only ratios mean anything.');
  for (const line of [...goalLines(new Figures(results)), ...counterGoalLines(counted), ...idleGoalLines(idle)]) {
    console.log(line);
  }
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify({ results, counted, idle }, undefined, 1));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
