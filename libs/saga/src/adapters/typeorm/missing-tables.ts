import type { StepStore } from '../../ports/step-store.js';
import { tableNames } from './tables.js';

/** Whether a query failed because a table of the library's is not there. */
export function isTableMissing(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    const { code, message, driverError, cause } = at as Error & {
      readonly code?: unknown;
      readonly driverError?: unknown;
    };
    if (code === '42P01') return tableNames.some((name) => new RegExp(`\\b${name}\\b`).test(message));
    at = driverError !== at ? (driverError ?? cause) : cause;
  }
  return false;
}

type Attempt = <T>(work: () => Promise<T>) => Promise<T>;

/** A store each of whose calls, and of its ports' calls, is made through `attempt`. */
export function storeThrough(store: StepStore, attempt: Attempt): StepStore {
  return callsThrough(store, attempt);
}

function callsThrough<Port extends object>(port: Port, attempt: Attempt): Port {
  const called = new Map<string | symbol, unknown>();
  const through = (target: Port, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, name);
    if (typeof value === 'object' && value !== null) return callsThrough(value, attempt);
    if (typeof value !== 'function') return value;
    return (...given: unknown[]) => attempt(async () => (await Reflect.apply(value, target, given)) as unknown);
  };
  return new Proxy(port, {
    get(target, name) {
      if (!called.has(name)) called.set(name, through(target, name));
      return called.get(name);
    },
  });
}
