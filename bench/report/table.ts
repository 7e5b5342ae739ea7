import type { Spread } from '../measure/spread.js';
import { catalog, type ProgramName } from '../programs/catalog.js';
import type { Cell, Figures } from './figures.js';

const headings = ['', 'sagas/s', 'p50 / p99 ms', 'CPU ms', 'Postgres ms', 'RSS / heap MB', 'nest-saga is'];

/** A table per load: medians over the runs with their spread, and the library's rate as a multiple of each program's. */
export function tables(figures: Figures): string {
  return figures
    .cells()
    .map((cell) => tableOf(figures, cell))
    .join('\n\n');
}

function tableOf(figures: Figures, cell: Cell): string {
  const lines = figures.programs().map((program) => lineOf(figures, cell, program));
  return [`${cell.ending}, ${cell.concurrency} at a time`, ...aligned([headings, ...lines])].join('\n');
}

function lineOf(figures: Figures, cell: Cell, program: ProgramName): readonly string[] {
  const median = (figure: Parameters<Figures['spread']>[2]): number => figures.spread(program, cell, figure).median;
  const ratio = program === 'memory' ? undefined : figures.ratio('memory', program, cell);
  return [
    catalog[program].title,
    spread(
      figures.spread(program, cell, (result) => result.sagasPerSecond),
      0,
    ),
    `${median((result) => result.latency.p50).toFixed(1)} / ${median((result) => result.latency.p99).toFixed(1)}`,
    median((result) => result.cpu).toFixed(2),
    shown(median((result) => result.postgresCpu ?? Number.NaN)),
    `${median((result) => result.memory.rss).toFixed(0)} / ${median((result) => result.memory.heap).toFixed(0)}`,
    ratio ? `${spread(ratio, 2)} times` : '',
  ];
}

function shown(value: number): string {
  return Number.isNaN(value) ? '?' : value.toFixed(2);
}

/** Median, with the least and the most in parentheses. */
export function spread({ min, median, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join('  '),
  );
}
