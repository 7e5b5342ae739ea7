import type { DataSource } from 'typeorm';
import { defaultSettings } from '../flow/participant.js';

/** What node-postgres makes of no word about it. */
const driversOwn = 10;

/** How many connections a DataSource opens at most. */
function poolSizeOf({ options }: DataSource): number {
  const { poolSize, extra } = options as { readonly poolSize?: number; readonly extra?: { readonly max?: unknown } };
  return Number(extra?.max ?? poolSize ?? driversOwn);
}

/** As many lanes as by default, or as its pool allows: each holds a connection, and one is left for what stands apart from their transactions. */
export function lanesFor(dataSource: DataSource): number {
  return Math.max(Math.min(defaultSettings.lanes, poolSizeOf(dataSource) - 1), 1);
}

/** Lanes that hold all connections would wait for each other for ever as soon as their steps wait for a semantic lock, or ask for an abort. */
export function poolViolations(dataSource: DataSource, lanes = lanesFor(dataSource)): readonly string[] {
  const size = poolSizeOf(dataSource);
  if (size > lanes) return [];
  const orLess = size > 1 ? `, or lanes to ${size - 1} or less` : '';
  return [
    `its pool has ${size} connection${size === 1 ? '' : 's'}, and settings.lanes is ${lanes}; each lane holds one, and some of their work needs another: set poolSize to ${lanes + 1} or more${orLess}`,
  ];
}
