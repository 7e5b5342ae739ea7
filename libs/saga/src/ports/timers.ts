import type { FenceKey } from './fence-row.js';

/**
 * What ends when a timer is due. `deadline`: the time that a step has once it has begun. `reservation`: how long what a step did is held for a saga that
 * does not commit. `sagaDeadline`: the time that the whole saga has until its pivot; kept by the owner of the source.
 */
export type TimerKind = 'deadline' | 'reservation' | 'sagaDeadline';

/** A step has at most one timer of a kind. */
export interface TimerKey extends FenceKey {
  readonly kind: TimerKind;
}

export interface Timer extends TimerKey {
  readonly sagaType: string;
  readonly sagaVersion: number;
}

/** A timer and in how many milliseconds of the store's own time it is due. */
export interface RunningTimer extends Timer {
  readonly dueIn: number;
}

/**
 * Timers of steps, durable like the rows beside which they are set and ended (with `Changes`).
 *
 * Guarantee: a timer that is due is claimed until it is ended, by one claimant at a time.
 */
export interface Timers {
  /**
   * At most `limit` timers that are due, leased: nobody else is given them for `leaseMs`. Fair over sagas: each saga's longest due comes before any
   * saga's second, so one saga with many keeps no other waiting.
   */
  claim(limit: number, leaseMs: number): Promise<readonly Timer[]>;
  /** Gives up a claim: a timer that runs is due again in so many milliseconds. */
  handBack(timer: TimerKey, dueIn: number): Promise<void>;
  /** In how many milliseconds the earliest is due, if any runs; not above 0 when one is due. */
  nextDue(): Promise<number | undefined>;
  /** The timers of a saga that run, earliest first. */
  ofSaga(sagaId: string): Promise<readonly RunningTimer[]>;
}

export function timerKey({ sagaId, step, kind }: TimerKey): string {
  return `${sagaId}/${step}/${kind}`;
}
