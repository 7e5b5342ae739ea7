import type { Kept } from './memory-store.js';

/** Rows of sagas all of whose rows were settled before then, longest settled first. */
export function settledBefore(before: number, rows: readonly Kept[]): readonly Kept[] {
  const at = ({ settledAt = Number.POSITIVE_INFINITY }: Kept): number => settledAt;
  const kept = new Set(rows.filter((row) => at(row) >= before).map(({ row }) => row.sagaId));
  return rows.filter(({ row }) => !kept.has(row.sagaId)).toSorted((a, b) => at(a) - at(b));
}
