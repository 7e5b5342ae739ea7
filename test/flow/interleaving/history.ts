/** Something that really happened to the business: a step's effect, or its undo. */
export interface Deed {
  readonly kind: 'effect' | 'undo';
  readonly sagaId: string;
  readonly step: string;
}

/** All deeds in the order in which they became durable. */
export class History {
  readonly deeds: Deed[] = [];
  private readonly keys = new Set<string>();
  private readonly voids = new Map<string, number>();

  commit(deeds: readonly Deed[]): void {
    this.deeds.push(...deeds);
  }

  /** Outside the database a deed is done at once; whoever is asked recognizes the key of an earlier call. A call that was voided meanwhile does nothing. */
  outside(key: string, deed: Deed, began = this.voidsOf(key)): void {
    if (this.keys.has(key)) return;
    if (began < this.voidsOf(key)) throw new Error('voided');
    this.keys.add(key);
    this.deeds.push(deed);
  }

  /** Whether the deed of a key happened; if not, no call that has begun will do it any more. */
  settles(key: string): boolean {
    if (!this.keys.has(key)) this.voids.set(key, this.voidsOf(key) + 1);
    return this.keys.has(key);
  }

  voidsOf(key: string): number {
    return this.voids.get(key) ?? 0;
  }
}
