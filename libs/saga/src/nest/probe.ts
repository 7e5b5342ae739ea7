import { reasonOf } from '../protocol/reason.js';
import { within } from '../flow/within.js';
import type { Clock } from '../ports/clock.js';
import type { Standing } from '../ports/transport.js';

/** What has not answered for so long is down, ms; before, nobody knows. */
const downAfter = 5_000;
/** A question that may never be answered (its connection hangs) is asked once more after this, ms. */
const askAgainAfter = 30_000;

export interface Answer<T> {
  readonly standing: Standing;
  /** Absent when there was none in time. */
  readonly value?: T;
}

/** Asks a question of which nobody knows how long it takes, waits so long and no longer, and has no two of them under way, however often it is asked. */
export class Probe<T> {
  private pending: { readonly answered: Promise<void>; readonly since: number } | undefined;
  private standing: Standing;
  private value: T | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly name: string,
    private readonly question: () => Promise<T>,
    private readonly patience: number,
  ) {
    this.standing = { status: 'unknown', since: clock.now(), detail: `${name} was not asked yet` };
  }

  /** Never rejects. */
  async ask(): Promise<Answer<T>> {
    const pending = this.underway();
    if (await within(this.clock, this.patience, pending.answered))
      return { standing: this.standing, ...(this.value !== undefined && { value: this.value }) };
    const silence = this.now - pending.since;
    this.stand(silence < downAfter ? 'unknown' : 'down', `${this.name} has not answered for ${silence} ms`);
    return { standing: this.standing };
  }

  private underway(): { readonly answered: Promise<void>; readonly since: number } {
    if (this.pending && this.now - this.pending.since < askAgainAfter) return this.pending;
    const pending = { answered: this.answer(), since: this.now };
    const over = (): void => void (this.pending === pending && (this.pending = undefined));
    void pending.answered.then(over);
    this.pending = pending;
    return pending;
  }

  private async answer(): Promise<void> {
    try {
      this.value = await this.question();
      this.stand('up', `${this.name} answers`);
    } catch (error) {
      this.value = undefined;
      this.stand('down', `${this.name} fails: ${reasonOf(error)}`);
    }
  }

  private stand(status: Standing['status'], detail: string): void {
    const since = this.standing.status === status ? this.standing.since : this.clock.now();
    this.standing = { status, since, detail };
  }

  private get now(): number {
    return this.clock.now().getTime();
  }
}
