import { isTerminal, type SagaStatus } from '../../libs/saga/src/protocol/saga-state.js';
import type { Scene } from './scene.js';
import type { EventSet } from './vocabulary.js';

/** Where a tracker that learns one more event may go. Terminal states have no way out. */
const allowed: Readonly<Record<SagaStatus, readonly SagaStatus[]>> = {
  unknown: ['running', 'compensating', 'needsIntervention', 'completed', 'aborted'],
  running: ['compensating', 'needsIntervention', 'completed', 'aborted'],
  compensating: ['needsIntervention', 'aborted'],
  needsIntervention: ['compensating', 'aborted'],
  completed: [],
  aborted: [],
};

export interface TrackerReport {
  /** Pairs of a set of events and one more event, over every subset of every run's events. */
  readonly steps: number;
  readonly wrong: readonly string[];
}

/** I9: whatever subset of a run's events the tracker has seen, one more event moves it only as the table allows. */
export function trackerSteps(scene: Scene, endings: Iterable<EventSet>): TrackerReport {
  const seen = new Set<EventSet>();
  const open = [...endings];
  const wrong: string[] = [];
  let steps = 0;
  for (let whole = open.pop(); whole !== undefined; whole = open.pop()) {
    if (seen.has(whole)) continue;
    seen.add(whole);
    const after = scene.tracked(whole).status;
    for (let rest = whole; rest !== 0; rest &= rest - 1) {
      const smaller = whole & ~(rest & -rest);
      const before = scene.tracked(smaller).status;
      open.push(smaller);
      steps++;
      if (before !== after && (isTerminal(before) || !allowed[before].includes(after)))
        wrong.push(`${before} → ${after}`);
    }
  }
  return { steps, wrong };
}
