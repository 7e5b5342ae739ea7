/** Doubles from `first` to `most` milliseconds, give or take a fifth, so that many do not come back at once. */
export function backoff(failures: number, first: number, most: number): number {
  const pause = Math.min(first * 2 ** failures, most);
  return Math.round(pause * (0.8 + 0.4 * Math.random()));
}
