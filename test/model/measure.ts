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

/** What the machine must ask for when a step arrives at a status. */
const asked: Readonly<Record<string, string | undefined>> = { running: 'step', compensating: 'compensation' };

/**
 * Rows only move right and sets only grow, so every run ends: tells of a move that does not, of a tombstone that changed, of work that nobody or the
 * wrong one is asked for, and of an anomaly, which the machine must never meet while its environment keeps its promises.
 */
export function wrongMove(from: Part, { to, answer, backwards, text }: Move): string | undefined {
  const moved = to.row.status !== from.row.status;
  if (answer?.verdict === 'anomaly') return `an anomaly where nothing is wrong: ${text}`;
  if (answer && moved && answer.verdict !== 'handled')
    return `the row moved and the machine says ${answer.verdict}: ${text}`;
  if (answer && answer.run !== (moved ? asked[to.row.status] : undefined))
    return `the machine asks for ${answer.run}: ${text}`;
  if (backwards || to === from) return undefined;
  if (isClosed(from.row.status) && moved) return `a tombstone changed: ${text}`;
  return measureOf(to) > measureOf(from) ? undefined : `the row did not move right: ${text}`;
}

function measureOf({ row, effects, undos, undoing, read }: Part): number {
  const sets = row.predecessorsDone.length + row.successorsClosed.length + bitsOf(read);
  const unknown = row.undecided ? 1 + Number(row.undecided.earlier) : 0;
  return rank[row.status] * 10 + sets + effects + undos + unknown + Number(undoing);
}

function bitsOf(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count++;
  return count;
}
