import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultRetry, isExhausted, patientRetry, retryDelay, type RetryPolicy } from './retry.js';

/** How long a policy goes on, from the first attempt to the last, ms. */
function lasts(policy: RetryPolicy, chance: number): number {
  return Array.from({ length: policy.retries }, (_, index) => retryDelay(policy, index + 1, chance)).reduce((sum, delay) => sum + delay); // prettier-ignore
}

describe('by default', () => {
  test('a step that may be refused is attempted for about a minute, at least every ten seconds', () => {
    const waits = [1, 2, 3, 4, 5, 6].map((failures) => retryDelay(defaultRetry, failures, 0));
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(lasts(defaultRetry, 0)).toBe(65_000);
    expect(lasts(defaultRetry, 0.999_999)).toBeGreaterThan(50_000);
  });

  test('what must be done is attempted for about an hour, at least every minute', () => {
    expect(retryDelay(patientRetry, 66, 0)).toBe(60_000);
    expect(lasts(patientRetry, 0) / 60_000).toBeCloseTo(61, 0);
    expect(lasts(patientRetry, 0.999_999)).toBeGreaterThan(45 * 60_000);
  });

  test('chance takes off up to a fifth', () => {
    expect(retryDelay(defaultRetry, 1, 0.5)).toBe(900);
    expect(retryDelay(defaultRetry, 3, 0.999_999)).toBe(3_200);
  });
});

describe('any retry policy', () => {
  const anyPolicy: fc.Arbitrary<RetryPolicy> = fc.record({
    retries: fc.nat(50),
    firstDelay: fc.integer({ min: 1, max: 10_000 }),
    maxDelay: fc.integer({ min: 1, max: 100_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const anyChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  test('never waits longer than its longest delay, nor a negative time, after however many failures', () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 10_000 }), anyChance, (policy, failures, chance) => {
        const delay = retryDelay(policy, failures, chance);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(policy.maxDelay);
      }),
    );
  });

  test('never waits less after more failures, chance apart', () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 1, max: 100 }), anyChance, (policy, failures, chance) => {
        expect(retryDelay(policy, failures + 1, chance)).toBeGreaterThanOrEqual(retryDelay(policy, failures, chance));
      }),
    );
  });

  test('without retries is exhausted by the first failure', () => {
    expect(isExhausted({ ...defaultRetry, retries: 0 }, 1)).toBe(true);
  });
});
