import { isClosed } from '../../libs/saga/src/protocol/step-state.js';
import type { Move } from './moves.js';
import type { Part } from './part.js';

const rank = {
  none: 0,
  running: 1,
  done: 2,
  compensating: 3,
  deadLettered: 4,
  rejected: 5,
  cancelled: 5,
  compensated: 5,
};

/**
 * Rows only move right and sets only grow, so every run ends: tells of a move that does not, of a tombstone that changed, and of an anomaly,
 * which the machine must never meet while its environment keeps its promises.
 */
export function notNearerTheEnd(from: Part, { to, verdict, backwards, text }: Move): string | undefined {
  if (verdict === 'anomaly') return `an anomaly where nothing is wrong: ${text}`;
  if (backwards) return undefined;
  if (isClosed(from.row.status) && to.row.status !== from.row.status) return `a tombstone changed: ${text}`;
  return measureOf(to) > measureOf(from) ? undefined : `the row did not move right: ${text}`;
}

function measureOf({ row, effects, undos, read }: Part): number {
  const sets = row.predecessorsDone.length + row.successorsClosed.length + bitsOf(read);
  return rank[row.status] * 10 + sets + effects + undos;
}

function bitsOf(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}
