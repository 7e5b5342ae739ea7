import { onTestFinished } from 'vitest';

/** A booking system of somebody else, which takes its time. A key is booked once, and what is cancelled stays so. */
export class OutsideBookings {
  /** Every call that reached it. */
  readonly calls: { readonly key: string; readonly what: string }[] = [];
  private readonly known = new Map<string, 'booked' | 'cancelled'>();
  private readonly held = new Map<string, { readonly until: Promise<void>; readonly end: () => void }>();

  /** Calls for this are not answered until they are let go, at the latest when the test ends. */
  hold(what: string): void {
    let end = (): void => undefined;
    const until = new Promise<void>((resolve) => (end = resolve));
    this.held.set(what, { until, end });
    onTestFinished(end);
  }

  letGo(what: string): void {
    this.held.get(what)?.end();
    this.held.delete(what);
  }

  async book(key: string, what: string): Promise<void> {
    this.calls.push({ key, what });
    await this.held.get(what)?.until;
    if (!this.known.has(key)) this.known.set(key, 'booked');
  }

  async cancel(key: string): Promise<void> {
    this.known.set(key, 'cancelled');
  }

  isCalled(what: string): boolean {
    return this.calls.some((call) => call.what === what);
  }

  /** Of every key that was ever booked, what it is now. */
  state(): readonly string[] {
    return [...this.known.values()];
  }
}
