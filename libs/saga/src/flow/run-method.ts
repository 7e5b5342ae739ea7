import type { FenceRow } from '../ports/fence-row.js';
import type { StepTransaction } from '../ports/step-store.js';
import { attemptCompensation, attemptOrWait, attemptStep, inputOf, takesOneEvent } from './attempt.js';
import type { Delivery, StepResult } from './delivery.js';
import type { Taken } from './take.js';

/** Runs the method that a row is due for: its step's, or the step's compensation. Nothing: it leaves the answer to somebody. */
export function runMethod(
  delivery: Delivery,
  { row, run }: Taken,
  { manager }: StepTransaction,
): Promise<StepResult | undefined> {
  const { bound } = delivery;
  if (run === 'compensation') return attemptCompensation(bound, row, manager);
  const input = inputFor(delivery, row);
  return bound.node.awaits && !bound.hears
    ? attemptOrWait(bound, row, input, manager)
    : attemptStep(bound, row, input, manager);
}

/** What a step's method is given. The instance that came with the event saves building it again from the row. */
export function inputFor({ bound, happening }: Delivery, row: FenceRow): unknown {
  const given = happening.type === 'signal' && takesOneEvent(bound) ? happening.input?.instance : undefined;
  return given ?? inputOf(bound, row);
}
