import type { OperatorVerdict } from '../../ports/audit-log.js';
import type { DeadLetter } from '../../ports/dead-letters.js';
import type { ResolvedAs, StoredEvent } from '../../ports/fence-row.js';
import type { StepStatus } from '../../protocol/step-state.js';

/** Who says it, and why; both are kept in the audit. */
export interface Said {
  readonly actor: string;
  readonly reason: string;
}

/** An operator's word about one step. */
export type Operation = Said & {
  /** The dead letter that it is about, when one was named. */
  readonly letter?: DeadLetter;
} & (
    | { readonly verb: 'redrive' | 'waive' }
    | { readonly verb: 'resolve'; readonly as: ResolvedAs; readonly event?: StoredEvent }
  );

/** What came of an operator's word. */
export interface OperatorAnswer {
  readonly verdict: OperatorVerdict;
  /** What it did, or why it did nothing. */
  readonly because: string;
  readonly sagaId?: string;
  readonly step?: string;
  /** Where the step stands now. */
  readonly status?: StepStatus;
}
