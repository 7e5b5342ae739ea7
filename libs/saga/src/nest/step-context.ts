import type { EntityManager } from 'typeorm';
import type { Cause } from '../protocol/envelope.js';
import type { Parent } from '../protocol/parent.js';

/** What a step's method is told beside its input. */
export interface StepContext {
  readonly sagaId: string;
  readonly step: string;
  /** The name of the branch, for a step with `each`; empty for any other. */
  readonly branch: string;
  readonly correlationId: string;
  /** The step of another saga that this saga is; absent for one that runs alone. */
  readonly parent?: Parent;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** How often this was postponed with a `StepPostponed` until now, and since when; `times` is 0 the first time. No attempt is used up by it, so this is what ends it. */
  readonly postponed: { readonly times: number; readonly since?: Date };
  /** The same over all attempts; give it to whatever the step calls outside the database. */
  readonly idempotencyKey: string;
  /** The step's transaction. Injected repositories join it by themselves. A step with `effect: 'external'` has none: asking for it throws. */
  readonly manager: EntityManager;
}

export interface CompensationContext extends StepContext {
  /** The step that began the closing, and its reason. */
  readonly cause: Cause;
}

export type ListenerContext = StepContext;
