import type { SagaError } from '../protocol/errors.js';

/**
 * How long somebody waits for a delivery who may himself be what it waits for. Until its result is to be saved he may withdraw it; then nothing of it is
 * done, and the transaction that it is in is rolled back.
 */
export class Patience {
  private state: 'waiting' | 'saving' | 'withdrawn' = 'waiting';

  /** @param refusal what a delivery ends with that was withdrawn */
  constructor(private readonly refusal: SagaError) {}

  /** @returns what to tell, unless it is too late */
  withdraw(): SagaError | undefined {
    if (this.state === 'saving') return undefined;
    this.state = 'withdrawn';
    return this.refusal;
  }

  /** An attempt begins, or its result is to be saved. @throws the refusal when it was withdrawn */
  go(on: 'waiting' | 'saving'): void {
    if (this.state === 'withdrawn') throw this.refusal;
    this.state = on;
  }
}
