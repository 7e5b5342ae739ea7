import { parseArgs } from 'node:util';
import { catalog, faultsNamed } from './faults/catalog.js';
import type { Fault } from './faults/fault.js';

export interface ChaosOptions {
  readonly seed: number;
  /** Rounds are begun until then; without it each fault is played once. */
  readonly durationMs: number | undefined;
  readonly faults: readonly Fault[];
  readonly replicas: number;
  readonly brokers: number;
  readonly sagas: number;
  readonly pressureMs: number;
}

export const usage = `npm run chaos -- [options]
  --seed N         what is random; default: another one each time
  --duration 10m   begin rounds for so long (s, m, h); default: each fault once
  --only a,b       these faults, or all whose names begin so
  --replicas N     processes of each service; default 2
  --brokers N      brokers of our own, 1 or 3; default 1, or those of KAFKA_BROKERS
  --sagas N        per round; default 60
  --pressure 15s   how long a fault is injected; default 15 s
  --list           the faults and what they do`;

/** @throws Error that says what is wrong with the command line */
export function optionsFrom(args: readonly string[]): ChaosOptions | 'list' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      duration: { type: 'string' },
      only: { type: 'string' },
      replicas: { type: 'string', default: '2' },
      brokers: { type: 'string', default: '1' },
      sagas: { type: 'string', default: '60' },
      pressure: { type: 'string', default: '15s' },
      list: { type: 'boolean', default: false },
    },
  });
  if (values.list) return 'list';
  return {
    seed: values.seed === undefined ? Date.now() % 1_000_000 : whole('seed', values.seed, 0),
    durationMs: values.duration === undefined ? undefined : duration('duration', values.duration),
    faults: values.only === undefined ? catalog : faultsNamed(values.only.split(',')),
    replicas: whole('replicas', values.replicas, 1),
    brokers: whole('brokers', values.brokers, 1),
    sagas: whole('sagas', values.sagas, 1),
    pressureMs: duration('pressure', values.pressure),
  };
}

function whole(name: string, text: string, least: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`--${name} ${text}: write a whole number from ${least}`);
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

function duration(name: string, text: string): number {
  const [, count, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`--${name} ${text}: write 90s, 10m or 2h`);
  return Number(count) * units[unit!]!;
}
