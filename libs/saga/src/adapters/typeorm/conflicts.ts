/** A serialization failure, a deadlock, or what the statements that save rows fail on when somebody else was first. */
export function isConflict(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    const { code, table, driverError, cause } = at as Error & Failure;
    if (code === '40001' || code === '40P01') return true;
    if ((code === '23505' || code === '23502') && table === 'saga_step') return true;
    if (code === '23505' && table === 'saga_audit') return true;
    at = driverError !== at ? (driverError ?? cause) : cause;
  }
  return false;
}

/** What the driver says of an error, however deeply a library wrapped it. */
interface Failure {
  readonly code?: unknown;
  readonly table?: unknown;
  readonly driverError?: unknown;
}
