/**
 * Stands between a method and what it depends on, over all sagas. After failures in a row it is open: the method is left alone for a while,
 * then one attempt at a time is let through until one succeeds.
 */
export interface Circuit {
  /**
   * Runs the method and learns from its end.
   *
   * @throws SagaError `CIRCUIT_OPEN` at once while it is open; otherwise what the method throws
   */
  run<T>(method: () => Promise<T>): Promise<T>;
  /** For how many milliseconds more attempts are held back; absent when one is let through now. */
  holdsBackFor(): number | undefined;
  /** Since when it is open; absent while it is closed. */
  openSince(): Date | undefined;
}
