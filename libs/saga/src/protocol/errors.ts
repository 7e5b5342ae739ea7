/** An error of the library: what, where, and what to do; its facts are fields. */
export class SagaError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly facts: { readonly sagaId?: string; readonly step?: string; readonly retriable?: boolean } = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'SagaError';
  }
}

/**
 * Thrown by a step: a business no. Nothing of the step was changed, and the saga closes backwards.
 * The event of the rejection is the step's default one; a step with a `rejected` event of its own returns that event instead.
 */
export class StepRejected extends Error {
  readonly code = 'STEP_REJECTED';

  constructor(readonly reason: string) {
    super(reason);
    this.name = 'StepRejected';
  }
}

/** Thrown by a step that cannot know whether its effect happened (an outside call timed out). Never treated as a failure. */
export class OutcomeUnknown extends Error {
  readonly code = 'OUTCOME_UNKNOWN';

  constructor(message = 'the outcome of the step is unknown', options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutcomeUnknown';
  }
}

/**
 * Thrown by a step that cannot go on now and had no effect: it is attempted again after `delay` ms, and no attempt is used up.
 */
export class StepPostponed extends Error {
  readonly code = 'STEP_POSTPONED';

  constructor(
    readonly reason: string,
    readonly delay: number,
  ) {
    super(reason);
    this.name = 'StepPostponed';
  }
}
