import type { Board, Posting } from '../../ports/board.js';

type Take = (posting: Posting) => void;

/** The board of one process: what stands on it, and who reads it. */
export class MemoryBoard implements Board {
  private readonly standing = new Map<string, Map<string, Posting>>();
  private readonly readers = new Map<string, Set<Take>>();

  constructor(private readonly now: () => number = Date.now) {}

  async post(name: string, postings: readonly Posting[]): Promise<void> {
    for (const { key, value } of postings) {
      const posting: Posting = { key, ...(value !== undefined && { value }), at: this.now() };
      const board = this.boardOf(name);
      board.delete(key);
      if (value !== undefined) board.set(key, posting);
      for (const take of this.readersOf(name)) take(posting);
    }
  }

  async read(name: string, take: Take): Promise<() => Promise<void>> {
    for (const posting of this.boardOf(name).values()) take(posting);
    this.readersOf(name).add(take);
    return async () => void this.readersOf(name).delete(take);
  }

  private boardOf(name: string): Map<string, Posting> {
    const known = this.standing.get(name) ?? new Map<string, Posting>();
    this.standing.set(name, known);
    return known;
  }

  private readersOf(name: string): Set<Take> {
    const known = this.readers.get(name) ?? new Set<Take>();
    this.readers.set(name, known);
    return known;
  }
}
