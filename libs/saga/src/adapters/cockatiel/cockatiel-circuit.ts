import { BrokenCircuitError, CircuitState, circuitBreaker, ConsecutiveBreaker, handleWhen } from 'cockatiel';
import { SagaError } from '../../protocol/errors.js';
import type { Circuit } from '../../ports/circuit.js';
import type { Clock } from '../../ports/clock.js';

/** When a circuit opens, and for how long. */
export interface CircuitOptions {
  /** Failures in a row, over all sagas, that open the circuit. Default: 10. */
  readonly failures: number;
  /** For how many milliseconds nothing is attempted then, before one attempt is let through. Default: 10,000. */
  readonly halfOpenAfter: number;
}

export const defaultCircuit: CircuitOptions = { failures: 10, halfOpenAfter: 10_000 };

/** What an error says of what the method depends on: it is away; it is there and says no; nothing. */
export type ErrorMeaning = 'failure' | 'answer' | 'nothing';

interface Surroundings {
  readonly clock: Pick<Clock, 'now'>;
  readonly meaningOf: (error: unknown) => ErrorMeaning;
  readonly opened: (error: unknown) => void;
  readonly closed: () => void;
}

/** While one attempt is let through, the others look again so soon, in ms. */
const whileTried = 1_000;

/** The circuit breaker of cockatiel. It reads the system's time; the clock must be that of the system too. */
export class CockatielCircuit implements Circuit {
  private readonly policy;
  private opened: Date | undefined;
  private since: Date | undefined;

  constructor(
    private readonly name: string,
    private readonly options: CircuitOptions,
    private readonly around: Surroundings,
  ) {
    this.policy = circuitBreaker(
      handleWhen((error) => this.countsAgainst(error)),
      {
        halfOpenAfter: options.halfOpenAfter,
        breaker: new ConsecutiveBreaker(options.failures),
      },
    );
    this.policy.onBreak((reason) => this.open('error' in reason ? reason.error : undefined));
    this.policy.onReset(() => this.close());
  }

  async run<T>(method: () => Promise<T>): Promise<T> {
    try {
      return await this.policy.execute(method);
    } catch (error) {
      if (error instanceof BrokenCircuitError) throw this.openError();
      throw error;
    }
  }

  holdsBackFor(): number | undefined {
    if (this.policy.state === CircuitState.HalfOpen) return whileTried;
    if (this.policy.state === CircuitState.Closed || !this.opened) return undefined;
    const left = this.opened.getTime() + this.options.halfOpenAfter - this.around.clock.now().getTime();
    return left > 0 ? left : undefined;
  }

  openSince(): Date | undefined {
    return this.since;
  }

  /** What says nothing does not open a circuit, and does not close one either. */
  private countsAgainst(error: unknown): boolean {
    const meaning = this.around.meaningOf(error);
    return meaning === 'failure' || (meaning === 'nothing' && this.policy.state === CircuitState.HalfOpen);
  }

  private open(error: unknown): void {
    this.opened = this.around.clock.now();
    if (this.since) return;
    this.since = this.opened;
    this.around.opened(error);
  }

  private close(): void {
    this.opened = undefined;
    this.since = undefined;
    this.around.closed();
  }

  private openError(): SagaError {
    return new SagaError(
      'CIRCUIT_OPEN',
      `${this.name} is not attempted now: it failed ${this.options.failures} times in a row and its circuit is open.`,
      { retriable: true },
    );
  }
}
