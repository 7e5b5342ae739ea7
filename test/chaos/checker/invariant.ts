import type { Evidence } from './evidence.js';
import type { Story } from './story.js';

/** What kind of harm: a saga, effect or event is missing; one happened twice; nothing will go on; or anything else that must not be. */
export type Harm = 'lost' | 'doubled' | 'stuck' | 'wrong';

export interface Violation {
  readonly invariant: string;
  readonly harm: Harm;
  /** Absent where it concerns no one saga. */
  readonly sagaId?: string;
  readonly what: string;
}

export interface Invariant {
  /** As in the README: I1 to I12. */
  readonly name: string;
  readonly says: string;
  check(evidence: Evidence, stories: readonly Story[]): readonly Omit<Violation, 'invariant'>[];
}
