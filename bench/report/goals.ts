import type { Spread } from '../measure/spread.js';
import type { Figures, Figure } from './figures.js';
import { spread } from './table.js';

interface Goal {
  readonly text: string;
  readonly value: Spread | undefined;
  readonly wanted: { readonly atLeast: number } | { readonly atMost: number };
}

const p50: Figure = ({ latency }) => latency.p50;

/** Says of each goal whether the medians of this run meet it. Goals that this run says nothing about are left out. */
export function goalLines(figures: Figures): readonly string[] {
  return goals(figures).flatMap(({ text, value, wanted }) => {
    if (!value) return [];
    const met = 'atLeast' in wanted ? value.median >= wanted.atLeast : value.median <= wanted.atMost;
    return [`${met ? 'met    ' : 'MISSED '} ${text}: ${spread(value, 2)}`];
  });
}

function goals(figures: Figures): readonly Goal[] {
  const many = figures.cells().filter(({ ending, concurrency }) => ending === 'happy' && concurrency > 1);
  return [...goalsAlone(figures), ...many.flatMap((cell) => goalsTogether(figures, cell.concurrency))];
}

function goalsAlone(figures: Figures): readonly Goal[] {
  const alone = { ending: 'happy', concurrency: 1 } as const;
  return [
    {
      text: 'one at a time, at least 1.2 times the rate of a transaction per message',
      value: figures.ratio('memory', 'plain', alone),
      wanted: { atLeast: 1.2 },
    },
    {
      text: 'one at a time, p50 at most 1.6 times that of a statement per message',
      value: figures.ratio('memory', 'single', alone, p50),
      wanted: { atMost: 1.6 },
    },
  ];
}

function goalsTogether(figures: Figures, concurrency: number): readonly Goal[] {
  const happy = { ending: 'happy', concurrency } as const;
  const at = `${concurrency} at a time`;
  const measured = figures.has('memory', happy);
  return [
    {
      text: `${at}, at least half of the rate of batches of 10 (stretch: all of it)`,
      value: figures.ratio('memory', 'batch-10', happy),
      wanted: { atLeast: 0.5 },
    },
    {
      text: `${at}, the fail path has at least 0.6 of the happy rate`,
      value: figures.ratioOfCells('memory', { ending: 'fail', concurrency }, happy),
      wanted: { atLeast: 0.6 },
    },
    {
      text: `${at}, over Kafka at least a third of the rate in memory`,
      value: figures.ratio('kafka', 'memory', happy),
      wanted: { atLeast: 1 / 3 },
    },
    {
      text: `${at}, on many stored sagas at most 1.15 times the CPU (services and Postgres) as on 10,000`,
      value: figures.ratio('stored-many', 'stored-few', happy, ({ cpu, postgresCpu = 0 }) => cpu + postgresCpu),
      wanted: { atMost: 1.15 },
    },
    {
      text: `${at}, on many stored sagas a p99 of at most 1.3 times that on 10,000`,
      value: figures.ratio('stored-many', 'stored-few', happy, ({ latency }) => latency.p99),
      wanted: { atMost: 1.3 },
    },
    {
      text: `${at}, at most 1 ms of CPU per saga in the services (an absolute figure: on another machine it is another)`,
      value: measured && concurrency === 32 ? figures.spread('memory', happy, ({ cpu }) => cpu) : undefined,
      wanted: { atMost: 1 },
    },
  ];
}
