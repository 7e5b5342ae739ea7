import type { Verdict } from '../protocol/step-state.js';

/** What can become of something that arrived: nothing else is possible, so nothing disappears. */
export type Fate = Verdict | 'retried' | 'deadLettered' | 'parked' | 'passed';

/** Counts the fates since the process started. */
export class Tally {
  private readonly counts: Record<Fate, number> = {
    handled: 0,
    duplicate: 0,
    ignored: 0,
    refused: 0,
    anomaly: 0,
    retried: 0,
    deadLettered: 0,
    parked: 0,
    passed: 0,
  };

  count(fate: Fate, times = 1): void {
    this.counts[fate] += times;
  }

  snapshot(): Readonly<Record<Fate, number>> {
    return { ...this.counts };
  }
}
