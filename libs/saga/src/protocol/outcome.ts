/** What became of a step, as its event says. `skipped`: it was not needed in this saga, which counts as done with nothing to undo. */
export type StepOutcome = 'done' | 'skipped' | 'rejected' | 'cancelled' | 'compensated';

/** All that a saga's events can say: an outcome of a step, a compensation that needs a person, or a request to abort. */
export type Outcome = StepOutcome | 'deadLettered' | 'abortRequested';

export const outcomes: readonly Outcome[] = [
  'done',
  'skipped',
  'rejected',
  'cancelled',
  'compensated',
  'deadLettered',
  'abortRequested',
];

/** Closed: the step has no effect and never will. */
export function isClosing(outcome: Outcome): outcome is 'rejected' | 'cancelled' | 'compensated' {
  return outcome === 'rejected' || outcome === 'cancelled' || outcome === 'compensated';
}
