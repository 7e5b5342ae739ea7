import type { Clock } from '../../ports/clock.js';
import type { FenceKey } from '../../ports/fence-row.js';
import type { Changes } from '../../ports/step-store.js';
import {
  timerKey,
  type RunningTimer,
  type Timer,
  type TimerKey,
  type TimerKind,
  type Timers,
} from '../../ports/timers.js';

interface Kept {
  readonly timer: Timer;
  /** When it ends; a claim does not move this. */
  readonly endsAt: number;
  readonly dueAt: number;
}

/** Timers in memory. */
export class MemoryTimers implements Timers {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  commit({ timersSet = [], timersEnded = [] }: Changes, began: number): void {
    for (const { dueIn, ...timer } of timersSet) {
      const key = timerKey(timer);
      if (!this.kept.has(key)) this.kept.set(key, { timer, endsAt: began + dueIn, dueAt: began + dueIn });
    }
    for (const key of timersEnded) this.kept.delete(timerKey(key));
  }

  /** What is left of a row's timers goes with it. */
  forget({ sagaId, step }: FenceKey): void {
    for (const [key, { timer }] of this.kept) {
      if (timer.sagaId === sagaId && timer.step === step) this.kept.delete(key);
    }
  }

  async claim(limit: number, leaseMs: number): Promise<readonly Timer[]> {
    const now = this.now();
    const turns = new Map<string, number>();
    const due = this.earliestFirst().filter(({ dueAt }) => dueAt <= now);
    const inTurn = due.map((kept) => ({ kept, turn: nextTurn(turns, kept.timer.sagaId) }));
    const claimed = inTurn.toSorted((a, b) => a.turn - b.turn).slice(0, limit);
    return claimed.map(({ kept }) => {
      this.kept.set(timerKey(kept.timer), { ...kept, dueAt: now + leaseMs });
      return { ...kept.timer };
    });
  }

  async handBack(key: TimerKey, dueIn: number): Promise<void> {
    const kept = this.kept.get(timerKey(key));
    if (kept) this.kept.set(timerKey(key), { ...kept, dueAt: this.now() + dueIn });
  }

  async nextDue(): Promise<number | undefined> {
    const [next] = this.earliestFirst();
    return next && next.dueAt - this.now();
  }

  async ofSaga(sagaId: string): Promise<readonly RunningTimer[]> {
    const ofIt = this.earliestFirst().filter(({ timer }) => timer.sagaId === sagaId);
    return ofIt.map(({ timer, dueAt }) => ({ ...timer, dueIn: dueAt - this.now() }));
  }

  overdue(keys: readonly TimerKey[]): readonly TimerKind[] {
    const isOver = (key: TimerKey): boolean => (this.kept.get(timerKey(key))?.endsAt ?? Infinity) <= this.now();
    return keys.filter(isOver).map(({ kind }) => kind);
  }

  private now(): number {
    return this.clock.now().getTime();
  }

  private earliestFirst(): readonly Kept[] {
    return [...this.kept.values()].toSorted((a, b) => a.dueAt - b.dueAt);
  }
}

function nextTurn(turns: Map<string, number>, sagaId: string): number {
  const turn = (turns.get(sagaId) ?? 0) + 1;
  turns.set(sagaId, turn);
  return turn;
}
