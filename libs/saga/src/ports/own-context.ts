import { AsyncResource } from 'node:async_hooks';

/**
 * The one door to timers and async contexts; the linter lets nobody else make them.
 *
 * The library's own context is the one in which it was loaded: nobody's, where an application imports it as usual. What outlives its caller runs in
 * it, so that no work of one saga sees what `AsyncLocalStorage` holds for a request, or for another saga.
 */
const own = new AsyncResource('nest-saga');

/**
 * Runs something in the library's own context, whoever calls. Each call gets a fresh one: what a method puts into its context with `enterWith` ends with
 * it. Who awaits the result is in its own context again. Costs no promise.
 */
export function inOwnContext<T>(work: () => T): T {
  return own.runInAsyncScope(() => new AsyncResource('nest-saga').runInAsyncScope(work));
}

/** Calls back once in the library's own context, after `ms` milliseconds; the returned function forgets the call. */
export function after(ms: number, call: () => void): () => void {
  const waiting = own.runInAsyncScope(() => setTimeout(call, ms));
  return () => clearTimeout(waiting);
}

/** Calls back in the library's own context once this turn of the event loop is over. */
export function soon(call: () => void): void {
  own.runInAsyncScope(() => setImmediate(call));
}

/** Resolves after `ms` milliseconds, or as soon as the signal is aborted. With `keepsAlive: false` the process may end meanwhile. */
export function sleep(
  ms: number,
  { signal, keepsAlive = true }: { readonly signal?: AbortSignal; readonly keepsAlive?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const over = (): void => {
      clearTimeout(waiting);
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const waiting = own.runInAsyncScope(() => setTimeout(over, ms));
    if (!keepsAlive) waiting.unref();
    signal?.addEventListener('abort', over);
  });
}
