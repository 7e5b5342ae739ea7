import { fenceKey, type FenceRow } from '../../ports/fence-row.js';
import { inOwnContext } from '../../ports/own-context.js';
import { InvalidEventData } from '../../definition/domain-event.js';
import { OutcomeUnknown, SagaError, StepRejected } from '../../protocol/errors.js';
import { reasonOf } from '../../protocol/reason.js';
import { attemptCompensation, attemptResolution, attemptStep, inputOf } from '../attempt.js';
import type { BoundStep } from '../bound-step.js';
import type { Delivery, Happening, Settled } from '../delivery.js';
import { fitting } from '../fitting.js';
import { isToAsk } from './intent.js';
import type { Participant } from '../participant.js';
import { within } from '../within.js';

const atOnce = 64;
const pauseBeforeRecording = 1_000;
const told = 10;

/**
 * Runs the methods of `effect: 'external'` steps, outside any transaction and after their intent is committed, and reports what they
 * came to. While one runs its lease is renewed; when the process dies, the lease ends and the attempt is made again with the same idempotency key.
 */
export class Externals {
  private readonly active = new Map<string, Promise<void>>();
  private readonly renewals = new Map<string, () => void>();
  private readonly waiting = new Map<string, Delivery>();
  private stopped = false;

  constructor(
    private readonly ground: Pick<Participant, 'clock' | 'settings' | 'logger'>,
    private readonly submit: (delivery: Delivery) => Promise<Settled>,
  ) {}

  /** Runs the method of a row whose intent was committed just now; when too many run already, once there is room. */
  start(bound: BoundStep, row: FenceRow): void {
    const key = fenceKey(row);
    if (this.stopped || this.active.has(key)) return;
    if (this.active.size < atOnce) this.run(bound, row);
    else void this.wait(bound, row);
  }

  /**
   * Waits for the methods that are running, `drainWithin` at most; those that wait for a place stay parked in their rows. What does not return by then
   * is left as its process dying would leave it: its lease ends, and its intent says what to do.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    const { clock, logger, settings } = this.ground;
    if (await within(clock, settings.drainWithin, Promise.all(this.active.values()))) return;
    for (const forget of this.renewals.values()) forget();
    logger.warn(
      `The service stops without ${this.active.size} methods of external steps that have not returned after ${settings.drainWithin} ms: ${[...this.active.keys()].slice(0, told).join(', ')}. Their leases end, then they are asked for, or attempted again with the same idempotency keys. Give what they call a timeout, or the service longer with settings.drainWithin.`,
    );
  }

  private run(bound: BoundStep, row: FenceRow): void {
    const key = fenceKey(row);
    const attempt = this.attempt(bound, row).finally(() => {
      this.active.delete(key);
      void this.next();
    });
    this.active.set(key, attempt);
  }

  /** That its method was not called is written down before it waits, or its lease would end like that of an attempt of which nobody knows. */
  private async wait(bound: BoundStep, row: FenceRow): Promise<void> {
    const { sagaId, headers } = row;
    try {
      const happening: Happening = { type: 'notBegun', attempt: attemptOf(row) };
      const settled = await this.submit({ sagaId, bound, headers, happening });
      if (settled.verdict === 'handled') this.waiting.set(fenceKey(row), waitingFor(bound, settled.row));
    } catch (error) {
      this.leftToItsLease({ bound, sagaId }, error);
    }
    if (this.active.size < atOnce) await this.next();
  }

  /** Another replica may have taken who waited: only a row that is as it was is leased again, and run. */
  private async next(): Promise<void> {
    const [waiting] = this.waiting;
    if (!waiting || this.stopped) return;
    const [key, delivery] = waiting;
    this.waiting.delete(key);
    try {
      const { external } = await this.submit(delivery);
      if (!external) await this.next();
    } catch (error) {
      this.leftToItsLease(delivery, error);
    }
  }

  private leftToItsLease({ bound, sagaId }: Pick<Delivery, 'bound' | 'sagaId'>, error: unknown): void {
    this.ground.logger.warn(
      `Step "${bound.node.name}" of saga ${sagaId} waits for its lease to end: ${reasonOf(error)}`,
    );
  }

  private async attempt(bound: BoundStep, row: FenceRow): Promise<void> {
    const key = fenceKey(row);
    this.renewals.set(key, this.renewing(bound, row));
    const happening = await inOwnContext(() => came(bound, row, this.ground.settings.maxEventBytes));
    this.renewals.get(key)?.();
    this.renewals.delete(key);
    const settled = await this.record(bound, row, happening);
    if (settled?.external && !this.stopped) await this.attempt(bound, settled.row);
  }

  /** What happened outside must be written down: it is tried until it is, or until the service stops (then the lease ends). */
  private async record(bound: BoundStep, row: FenceRow, happening: Happening): Promise<Settled | undefined> {
    for (;;) {
      try {
        return await this.submit({ sagaId: row.sagaId, bound, headers: row.headers, happening });
      } catch (error) {
        this.ground.logger.error(
          `Recording the outcome of step "${row.step}" of saga ${row.sagaId} failed: ${reasonOf(error)}`,
        );
        if (this.stopped) return undefined;
        await new Promise<void>((resolve) => this.ground.clock.after(pauseBeforeRecording, resolve));
      }
    }
  }

  private renewing(bound: BoundStep, row: FenceRow): () => void {
    let forget = (): void => undefined;
    const again = (): void => {
      forget = this.ground.clock.after(this.ground.settings.lease / 3, () => {
        const happening: Happening = { type: 'stillRunning', attempt: attemptOf(row) };
        this.submit({ sagaId: row.sagaId, bound, headers: row.headers, happening }).catch((error: unknown) => {
          this.ground.logger.warn(
            `Renewing the lease of step "${row.step}" of saga ${row.sagaId} failed: ${reasonOf(error)}`,
          );
        });
        again();
      });
    };
    again();
    return () => forget();
  }
}

function waitingFor(bound: BoundStep, row: FenceRow): Delivery {
  const saved = row.version + 1;
  return { sagaId: row.sagaId, bound, headers: row.headers, happening: { type: 'attempt', version: saved } };
}

function attemptOf({ undecided }: FenceRow): string {
  return undecided?.attempt ?? '';
}

async function came(bound: BoundStep, row: FenceRow, maxEventBytes: number): Promise<Happening> {
  if (isToAsk(bound, row)) return answered(bound, row, maxEventBytes);
  const run = row.status === 'compensating' ? 'compensation' : 'step';
  try {
    const result =
      run === 'compensation'
        ? await attemptCompensation(bound, row)
        : await attemptStep(bound, row, inputOf(bound, row));
    return { type: 'result', result: fitting(bound, result, maxEventBytes) };
  } catch (error) {
    return { type: 'failed', run, attempt: attemptOf(row), error: asToEffect(error) };
  }
}

/** What came of earlier attempts, as the step's `@Resolves` method knows it. */
async function answered(bound: BoundStep, row: FenceRow, maxEventBytes: number): Promise<Happening> {
  const attempt = attemptOf(row);
  try {
    const result = await attemptResolution(bound, row, inputOf(bound, row));
    return result
      ? { type: 'result', result: fitting(bound, result, maxEventBytes) }
      : { type: 'notHappened', attempt };
  } catch (error) {
    if (error instanceof StepRejected) return { type: 'failed', run: 'step', attempt, error };
    return { type: 'stillUnknown', attempt, error };
  }
}

/** An answer that is of no use (no event of the step, data that its schema refuses, too large) comes of a call that may well have had its effect. */
function asToEffect(error: unknown): unknown {
  const isOfAnswer = error instanceof InvalidEventData || (error instanceof SagaError && error.code !== 'CIRCUIT_OPEN');
  return isOfAnswer ? new OutcomeUnknown(reasonOf(error), { cause: error }) : error;
}
