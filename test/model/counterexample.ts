import type { Visit } from './explore.js';
import type { Invariant } from './invariants.js';

export interface Broken {
  readonly invariant: Invariant;
  /** The facts that contradict it, in words. */
  readonly reason: string;
}

/** Why a core is wrong, and the shortest way to see it. */
export interface Counterexample extends Broken {
  readonly sequence: readonly string[];
}

/** Visits are made nearest first, so the way back over their origins is a shortest run. */
export function shortest(visits: readonly Visit[], last: number, broken: Broken): Counterexample {
  const sequence: string[] = [];
  for (let visit = visits[last]!; visit.from >= 0; visit = visits[visit.from]!) sequence.unshift(visit.by);
  return { ...broken, sequence };
}

export function printed({ invariant, reason, sequence }: Counterexample): string {
  const lines = sequence.map((line, index) => `  ${String(index + 1).padStart(2)}. ${line}`);
  return [`${invariant.name} falls (${invariant.says}): ${reason}`, ...lines].join('\n');
}
