import type { OutsideOptions, OutsideSettings } from './outside-record.js';

const remembered = 10_000;

/** What an application says of the outside events that start its sagas, and what a process remembers of their records. */
export class OutsideEvents {
  private readonly told = new Set<string>();
  private readonly starters = new Map<string, string>();
  private readonly last = new Map<string, Promise<unknown>>();

  /**
   * @param keyedUntil records that were written before then may have been handled by replicas of an older version, which told records by their keys;
   * ms since 1970, absent where there were none
   */
  constructor(
    private readonly settings: OutsideSettings = {},
    readonly keyedUntil?: number,
  ) {}

  of(type: string): OutsideOptions {
    return Object.hasOwn(this.settings, type) ? this.settings[type]! : {};
  }

  /** Says something the first time that it is to be said about something. */
  once(about: string, say: () => void): void {
    if (this.told.has(about)) return;
    this.told.add(about);
    say();
  }

  /** Which record started the saga of a key, if this process knows it: it never changes. */
  starterOf(sagaId: string): string | undefined {
    return this.starters.get(sagaId);
  }

  remember(sagaId: string, starter: string): void {
    if (this.starters.size >= remembered) this.starters.clear();
    this.starters.set(sagaId, starter);
  }

  /** One after the other what concerns one key, in the order of its records. */
  async inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.last.get(key) === mine) this.last.delete(key);
    }
  }
}
