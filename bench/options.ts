import { parseArgs } from 'node:util';
import { isProgramName, programNames, shortPrograms, usualPrograms, type ProgramName } from './programs/catalog.js';

export interface BenchOptions {
  readonly programs: readonly ProgramName[];
  readonly concurrencies: readonly number[];
  /** Per measurement; by default what takes a program a second or two. */
  readonly sagas?: number;
  /** Interleaved repetitions of everything. */
  readonly runs: number;
  readonly short: boolean;
  /** A file for the figures. */
  readonly json?: string;
  /** A directory for CPU profiles. */
  readonly profile?: string;
  /** Stored sagas of the larger of two databases that are compared; none unless told. */
  readonly stored?: number;
}

export const usage = `Measures the 3-step saga beside hand-written floors.
  npm run bench -- [--short] [--only <names>] [--kafka] [--concurrency 1,32,128] [--sagas <n>] [--runs 5]
                   [--stored <n>] [--json <file>] [--profile <directory>]

  --short       about a minute: the library and the floors of the goals, without the counters, which the tests gate
  --only        programs by name, with commas: ${programNames.join(', ')}
  --kafka       adds the library over a real broker (KAFKA_BROKERS, Docker or Java)
  --sagas       per measurement; by default what takes a second or two
  --stored      compares the library on 10,000 stored sagas with the library on this many
  --profile     writes a CPU profile of each measurement and prints its hottest functions`;

export function optionsFrom(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      kafka: { type: 'boolean', default: false },
      only: { type: 'string' },
      concurrency: { type: 'string' },
      sagas: { type: 'string' },
      runs: { type: 'string' },
      stored: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { short, kafka, json, profile } = values;
  return {
    short,
    programs: programsFrom(values.only, { short, kafka, stored: values.stored !== undefined }),
    concurrencies: (values.concurrency ?? (short ? '1,32' : '1,32,128')).split(',').map((n) => whole(n, 'concurrency')),
    runs: whole(values.runs ?? (short ? '2' : '5'), 'runs'),
    ...(values.sagas !== undefined && { sagas: whole(values.sagas, 'sagas') }),
    ...(values.stored !== undefined && { stored: whole(values.stored, 'stored') }),
    ...(json !== undefined && { json }),
    ...(profile !== undefined && { profile }),
  };
}

function programsFrom(
  only: string | undefined,
  { short, kafka, stored }: { readonly short: boolean; readonly kafka: boolean; readonly stored: boolean },
): readonly ProgramName[] {
  const named = only?.split(',').map((name) => {
    if (isProgramName(name)) return name;
    throw new Error(`--only ${name}: no such program; there are ${programNames.join(', ')}.`);
  });
  const added: ProgramName[] = [
    ...(kafka ? (['kafka'] as const) : []),
    ...(stored ? (['stored-few', 'stored-many'] as const) : []),
  ];
  return [...new Set([...(named ?? (short ? shortPrograms : usualPrograms)), ...added])];
}

function whole(text: string, option: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${option} ${text}: a whole number above 0 is needed.`);
}
