import type { Clock } from '../ports/clock.js';

/** Waits for some work, so many milliseconds at most. Answers whether it is done; it goes on if not. */
export async function within(clock: Pick<Clock, 'after'>, ms: number, work: Promise<unknown>): Promise<boolean> {
  let forget = (): void => undefined;
  const late = new Promise<false>((resolve) => {
    forget = clock.after(ms, () => resolve(false));
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    forget();
  }
}
