import { eventFrom } from '../definition/domain-event.js';
import type { FenceRow } from '../ports/fence-row.js';
import type { BoundStep } from './bound-step.js';
import type { StepResult } from './delivery.js';

/** What a step comes to that is not needed in this saga, as its `when` says; nothing when its method is to run. */
export function skippedBy({ node }: BoundStep, input: unknown): StepResult | undefined {
  const { when, events } = node;
  if (!when || !events.skipped || when(input as never)) return undefined;
  return { type: 'skipped', event: { type: events.skipped.type, data: eventFrom(events.skipped, {}) } };
}

/** Nothing was done, so there is nothing to undo. */
export function wasSkipped({ node }: BoundStep, row: FenceRow): boolean {
  return node.events.skipped !== undefined && row.result?.type === node.events.skipped.type;
}
