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

  commit(deeds: readonly Deed[]): void {
    this.deeds.push(...deeds);
  }

  /** Outside the database a deed is done at once; whoever is asked recognizes the key of an earlier call. */
  outside(key: string, deed: Deed): void {
    if (this.keys.has(key)) return;
    this.keys.add(key);
    this.deeds.push(deed);
  }
}
