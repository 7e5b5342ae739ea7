import { openBatchFloor } from '../floors/batch-floor.js';
import { openPlainFloor } from '../floors/plain-floor.js';
import { openRowsFloor } from '../floors/rows-floor.js';
import { openKafkaSagas, openMemorySagas } from './nest-sagas.js';
import type { Program, Surroundings } from './program.js';

interface Entry {
  readonly title: string;
  readonly open: (surroundings: Surroundings) => Promise<Program>;
}

/** Everything the bench can run, by the names that `--only` takes. The library first. */
export const catalog = {
  memory: { title: 'nest-saga, in memory', open: (at) => openMemorySagas(at, 'repository') },
  'memory-sql': { title: 'nest-saga, in memory, SQL handlers', open: (at) => openMemorySagas(at, 'sql') },
  kafka: { title: 'nest-saga, Kafka', open: (at) => openKafkaSagas(at) },
  plain: { title: 'floor: transaction per message', open: openPlainFloor },
  single: { title: 'floor: statement per message', open: (at) => openBatchFloor(at, 1) },
  'batch-10': { title: 'floor: batches of 10', open: (at) => openBatchFloor(at, 10) },
  'batch-100': { title: 'floor: batches of 100', open: (at) => openBatchFloor(at, 100) },
  'rows-10': { title: 'floor: batches of 10, rows one by one', open: (at) => openRowsFloor(at, 10) },
  'stored-few': { title: 'nest-saga, in memory, 10,000 sagas stored', open: (at) => openMemorySagas(at, 'repository') },
  'stored-many': { title: 'nest-saga, in memory, many sagas stored', open: (at) => openMemorySagas(at, 'repository') },
} as const satisfies Record<string, Entry>;

export type ProgramName = keyof typeof catalog;

export const programNames = Object.keys(catalog) as ProgramName[];

/** What a run measures unless it is told. */
export const usualPrograms = programNames.filter((name) => name !== 'kafka' && !name.startsWith('stored-'));

/** What the goals speak of. */
export const shortPrograms: readonly ProgramName[] = ['memory', 'plain', 'single', 'batch-10'];

export function isProgramName(name: string): name is ProgramName {
  return name in catalog;
}
