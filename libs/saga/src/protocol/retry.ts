/** When a failed attempt is repeated. All times in milliseconds. */
export interface RetryPolicy {
  /** Attempts after the first; then the step is rejected or its compensation becomes a dead letter. */
  readonly retries: number;
  /** Wait before the first retry; doubled for each further one. */
  readonly firstDelay: number;
  readonly maxDelay: number;
  /** Share of the delay, 0 to 1, that chance may take off, so that failures do not return together. */
  readonly jitter: number;
  /** What differs for errors of a type (`instanceof`); the first rule that fits counts. */
  readonly on?: readonly RetryRule[];
}

/** The policy for errors of one type. With `retries: 0` the first of them is the last attempt. */
export interface RetryRule extends Partial<Omit<RetryPolicy, 'on'>> {
  readonly error: abstract new (...given: never[]) => Error;
}

/** The policy as it is after an error. All failures of the step count, whatever their types. */
export function policyAfter(policy: RetryPolicy, error: unknown): RetryPolicy {
  const rule = policy.on?.find((candidate) => error instanceof candidate.error);
  if (!rule) return policy;
  const { error: _type, ...differs } = rule;
  return { ...policy, ...differs };
}

/** For a step that may be refused: ten attempts in about a minute, after 1, 2, 4, 8 and then every 10 s. A dependency that is restarted takes less. */
export const defaultRetry: RetryPolicy = { retries: 9, firstDelay: 1_000, maxDelay: 10_000, jitter: 0.2 };

/**
 * For what must be done: a compensation is attempted for about an hour, after 1, 2, 4, … and then every 60 s, before it becomes a dead letter; a
 * retriable step and a listener are never given up.
 */
export const patientRetry: RetryPolicy = { retries: 66, firstDelay: 1_000, maxDelay: 60_000, jitter: 0.2 };

/** How long to wait after the `failures`-th failed attempt (from 1). `chance` is in [0, 1). */
export function retryDelay(policy: RetryPolicy, failures: number, chance: number): number {
  const delay = Math.min(policy.firstDelay * 2 ** (failures - 1), policy.maxDelay);
  return Math.round(delay * (1 - policy.jitter * chance));
}

export function isExhausted(policy: RetryPolicy, failures: number): boolean {
  return failures > policy.retries;
}
