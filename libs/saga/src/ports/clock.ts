/** Time as the runtime uses it, so that tests can own it. */
export interface Clock {
  now(): Date;
  /** Calls back once, after `ms` milliseconds; the returned function forgets the call. */
  after(ms: number, call: () => void): () => void;
}

/** Identities and chance. */
export interface Chance {
  /** A new id that sorts by time (UUID v7). */
  newId(): string;
  /** The same id for the same text, always (UUID v5). */
  derivedId(text: string): string;
  /** In [0, 1). */
  random(): number;
}
