/**
 * Forgets what nobody can ask for any more, in small batches. Time is the store's own.
 *
 * Guarantee: rows that are not settled, rows of a saga that has such a row or a dead letter that waits, dead letters that wait, and the words of operators
 * are never deleted.
 */
export interface StoreRetention {
  /**
   * Deletes at most `limit` rows, longest settled first, of sagas all of whose rows here have been settled for longer than `keepMs`, and the timers that are left
   * of them. Rows that somebody holds are passed over. Resolves to how many.
   */
  purgeRows(keepMs: number, limit: number): Promise<number>;
  /** Deletes at most `limit` dead letters that were settled more than `keepMs` ago. Resolves to how many. */
  purgeLetters(keepMs: number, limit: number): Promise<number>;
}
