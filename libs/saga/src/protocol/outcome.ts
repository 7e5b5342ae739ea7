/** What became of a step, as its event says. `done`, `rejected`, `cancelled` and `compensated` are final for the step's effect. */
export type StepOutcome = 'done' | 'rejected' | 'cancelled' | 'compensated';

/** All that a saga's events can say: an outcome of a step, a compensation that needs a person, or a request to abort. */
export type Outcome = StepOutcome | 'deadLettered' | 'abortRequested';

export const outcomes: readonly Outcome[] = [
  'done',
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
