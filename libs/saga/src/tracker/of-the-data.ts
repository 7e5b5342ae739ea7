/** Whether an event itself is what the tables do not take (data exceptions, broken constraints, limits of the database): it would fail in the same way for ever. */
export function isOfTheData(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    if (at instanceof RangeError || at instanceof TypeError) return true;
    const { code, driverError, cause } = at as Error & { readonly code?: unknown; readonly driverError?: unknown };
    if (typeof code === 'string' && /^(22|23|54)[0-9A-Z]{3}$/.test(code)) return true;
    at = driverError !== at ? (driverError ?? cause) : cause;
  }
  return false;
}
