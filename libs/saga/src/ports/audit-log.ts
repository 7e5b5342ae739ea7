export type OperatorVerb = 'redrive' | 'resolve' | 'waive' | 'abort';

/** `alreadyApplied`: the same word was given before. `refused`: it is not possible as things stand, and nothing was changed. */
export type OperatorVerdict = 'applied' | 'alreadyApplied' | 'refused';

/** One word of an operator, and what came of it. */
export interface NewAuditEntry {
  /** A UUID; a second entry with the same id is a conflict, which voids the transaction that would write it. */
  readonly id: string;
  readonly verb: OperatorVerb;
  readonly sagaId?: string;
  readonly step?: string;
  /** The dead letter that the word was about. */
  readonly letterId?: string;
  readonly actor: string;
  readonly reason: string;
  readonly verdict: OperatorVerdict;
  /** Why it was refused, or what it did, in words. */
  readonly because: string;
  /** What else was said, as JSON: how it was resolved, and with what event. */
  readonly details: object;
}

export interface AuditEntry extends NewAuditEntry {
  readonly at: Date;
}

export interface AuditFilter {
  readonly sagaId?: string;
  readonly letterId?: string;
  readonly limit: number;
}

/** Every word of an operator, committed with what it changed. Append-only: entries are written by `Changes`, never changed or deleted. */
export interface AuditLog {
  /** Newest first. */
  list(filter: AuditFilter): Promise<readonly AuditEntry[]>;
}
