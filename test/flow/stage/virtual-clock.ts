import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../libs/saga/src/ports/clock.js';

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

/** Time that moves only when it is told to. */
export class VirtualClock implements Clock {
  private timers: Timer[] = [];

  constructor(private time = Date.parse('2026-03-01T00:00:00Z')) {}

  now(): Date {
    return new Date(this.time);
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.time + Math.max(ms, 0), call };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass: calls what is due on the way, in order, and gives each call the time to come to rest. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await turn();
    for (let timer = this.next(end); timer; timer = this.next(end)) {
      this.fire(timer);
      await turn();
    }
    this.time = end;
  }

  /** Moves to the next call, if one waits. */
  async step(): Promise<boolean> {
    const timer = this.next(Number.POSITIVE_INFINITY);
    if (timer) this.fire(timer);
    await turn();
    return timer !== undefined;
  }

  private fire(timer: Timer): void {
    this.timers = this.timers.filter((other) => other !== timer);
    this.time = Math.max(this.time, timer.at);
    timer.call();
  }

  private next(end: number): Timer | undefined {
    return this.timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}
