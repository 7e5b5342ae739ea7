/** Something that is on the board under its key. */
export interface Posting {
  readonly key: string;
  /** Absent when it was taken down. */
  readonly value?: string;
  /** When it was posted, in ms, by the board's own clock; absent where it has none. */
  readonly at?: number;
}

/**
 * A board that everybody reads whole, of which the last posting of each key stays.
 *
 * Guarantee: all readers are given the postings of a key in the same order, those that stand when they begin included. A posting whose `post` resolved reaches all of them.
 */
export interface Board {
  /** @throws whatever keeps it from posting; nobody depends on it */
  post(name: string, postings: readonly Posting[]): Promise<void>;
  /** Gives all postings to `take`, from the oldest on, until it is told to stop. Rejects when the board cannot be read at all; what breaks off later goes on by itself. */
  read(name: string, take: (posting: Posting) => void): Promise<() => Promise<void>>;
}
