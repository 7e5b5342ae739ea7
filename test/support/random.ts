/** Chance that a seed repeats exactly (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** In [0, 1). */
  readonly next = (): number => {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  /** In [0, end), whole. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  happens(share: number): boolean {
    return this.next() < share;
  }
}

export function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  const placed = list.map((one) => ({ one, place: random.next() }));
  return placed.toSorted((a, b) => a.place - b.place).map(({ one }) => one);
}
