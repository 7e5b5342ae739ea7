import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { AwaitingStep, SagaDefinition } from '../definition/saga-definition.js';
import type { SourceInput } from '../definition/step-spec.js';
import { SagaError, type StepRejected } from '../protocol/errors.js';
import { isTerminal } from '../protocol/saga-state.js';
import { isWhole } from './whole-saga.js';
import type { SignalAnswer } from '../flow/time/signal.js';
import { idOfKey, type Started } from '../flow/start.js';
import { checkedKey } from '../flow/start-checks.js';
import { sleep } from '../ports/own-context.js';
import type { SagaTracker, TrackedSaga } from '../tracker/saga-tracker.js';
import { findAbortable, trackerIn } from './abortable.js';
import { abortOutcomeOf, type AbortOutcome } from './abort-outcome.js';
import {
  checkedBranch,
  checkedReason,
  checkedSagaId,
  checkedTimeout,
  quotedId,
  refuseNoDefinition,
  refuseNoStep,
} from './asking-checks.js';
import { refuseAbortWithStep, refuseInsideStep, refuseSignalInsideStep } from './current-step.js';
import { unlessInside, type Joining, type SignalOptions, type StartOptions } from './joining.js';
import { SagaRuntime } from './runtime.js';
import { HealthReader, type SagaHealth } from './saga-health.js';

export type AbortAnswer = 'requested' | 'refused';

/** Starts sagas and asks about them. */
@Injectable()
export class Sagas {
  private readonly healthReader: HealthReader;

  constructor(
    private readonly runtime: SagaRuntime,
    private readonly moduleRef: ModuleRef,
  ) {
    this.healthReader = new HealthReader(runtime);
  }

  /**
   * Starts a saga of which this service implements the source. Resolves when the source step is committed; what the step throws, the caller gets,
   * and nothing is left behind. With a `key`, a second start finds the first saga. With a `manager`, the saga is a part of that transaction: when the
   * start throws, the transaction is as it was before.
   *
   * @throws SagaError `START_INSIDE_TRANSACTION` in a transaction that is not joined; `INVALID_MANAGER`; `CONFLICT`, retriable, when the joined transaction cannot see what somebody else began with the key; `NO_DEFINITION`; `INVALID_START_INPUT`, `START_INPUT_TOO_LARGE`, `INVALID_START_OPTIONS`, `INVALID_START_KEY` or `INVALID_CORRELATION_ID` for what no saga can be started with
   */
  async start<S>(saga: SagaDefinition<S>, input: SourceInput<S>, options?: StartOptions): Promise<Started> {
    refuseNoDefinition(saga);
    refuseInsideStep(saga.name);
    const what = ['START_INSIDE_TRANSACTION', `Saga "${saga.name}" cannot be started`] as const;
    return unlessInside(this.runtime, what, options ?? {}, (patience) =>
      this.runtime.service.startSaga(saga, input, options, patience),
    );
  }

  /**
   * The id of the saga that a start with this key begins, or began. Nothing is started, nothing is asked.
   *
   * @throws SagaError `NO_DEFINITION`, `INVALID_START_KEY`
   */
  idOf(saga: SagaDefinition<unknown>, key: string): string {
    refuseNoDefinition(saga);
    return idOfKey(this.runtime.service.participant.chance, saga, checkedKey(key));
  }

  /** What the tracker knows of a saga; `undefined` when it has seen none of its events (yet). */
  async status(sagaId: string): Promise<TrackedSaga | undefined> {
    return this.tracker().find(sagaId);
  }

  /**
   * Waits until a saga is completed or aborted, and the tracker has heard how each of its steps ended.
   *
   * @param options.timeout in ms
   * @throws SagaError `NOT_SETTLED` when it is not completed or aborted by then; the saga goes on
   */
  async settled(sagaId: string, options: { readonly timeout: number }): Promise<TrackedSaga> {
    const over = (saga: TrackedSaga | undefined): TrackedSaga | undefined =>
      saga && isTerminal(saga.status) ? saga : undefined;
    const whole = (saga: TrackedSaga | undefined): TrackedSaga | undefined =>
      saga && isWhole(this.runtime.sagas, saga) ? over(saga) : undefined;
    return this.until(sagaId, options, 'NOT_SETTLED', whole, over);
  }

  /**
   * Asks for a saga to be closed backwards: steps that have not started are cancelled, done ones undone. `refused` when the pivot is known to be done.
   * `requested` promises nothing: the pivot's owner decides, and `abortOutcome` waits for it.
   *
   * @throws SagaError `SAGA_NOT_FOUND`; `BRANCHES_UNKNOWN`, retriable, while the source of a saga with fan-outs is not done; `INVALID_REASON` without a reason. One of over 1,000 characters is shortened.
   * `ABORT_INSIDE_TRANSACTION`, `INVALID_MANAGER` as of a start; with a `manager`, this service's own rows alone tell of the saga
   */
  async requestAbort(sagaId: string, reason: string, options: Joining = {}): Promise<AbortAnswer> {
    const why = checkedReason(reason);
    if (options.manager) refuseAbortWithStep();
    const what = ['ABORT_INSIDE_TRANSACTION', 'The abort of a saga cannot be requested'] as const;
    return unlessInside(this.runtime, what, options, async (patience) => {
      const { service } = this.runtime;
      const callers = options.manager && (await service.joining(options.manager));
      const tracker = callers ? undefined : this.findTracker(); // it would take a second connection
      const { saga, committed, known } = await findAbortable(this.runtime, tracker, sagaId, callers);
      if (committed) return 'refused';
      const request = { saga, sagaId: sagaId.toLowerCase(), reason: why, known, ...(patience && { patience }) };
      await service.publishAbort(request, callers);
      return 'requested';
    });
  }

  /**
   * Waits until it is decided whether a saga closes backwards or has committed: exactly one of both, and it stays so. For whoever requested an abort.
   *
   * @param options.timeout in ms
   * @throws SagaError `NOT_DECIDED` when it is not by then
   */
  async abortOutcome(sagaId: string, options: { readonly timeout: number }): Promise<AbortOutcome> {
    return this.until(sagaId, options, 'NOT_DECIDED', (saga) => abortOutcomeOf(this.runtime.sagas, saga));
  }

  /**
   * Gives a step that awaits a signal its event, in the service that owns the step: done, or rejected (`StepRejected` for the default event). Of a
   * signal, another signal, the step's deadline and an abort, exactly one decides; the others are told. The same signal again is accepted again.
   *
   * @param options.branch of a step with `each`, the one that is meant; one that the saga does not have is `notWaiting`, `notBegun`
   * @throws SagaError `NO_STEP`, `STEP_NOT_HERE`, `INVALID_SAGA_ID`, `INVALID_SIGNAL`, `SIGNAL_INSIDE_STEP`, `SIGNAL_INSIDE_TRANSACTION`, `INVALID_MANAGER`
   */
  async signal<Done extends object, Rejected>(
    sagaId: string,
    step: AwaitingStep<never, Done, Rejected>,
    event: Done | Rejected | StepRejected,
    options: SignalOptions = {},
  ): Promise<SignalAnswer> {
    refuseNoStep(step);
    refuseSignalInsideStep(step);
    const id = checkedSagaId(sagaId);
    const { manager, branch } = options;
    const given = {
      ...(branch !== undefined && { branch: checkedBranch(branch) }),
      ...(manager !== undefined && { manager }),
    };
    const what = ['SIGNAL_INSIDE_TRANSACTION', `Step "${step.name}" cannot be signaled`] as const;
    return unlessInside(this.runtime, what, options, (patience) =>
      this.runtime.service.signal(id, step, event as object, { ...given, ...(patience && { patience }) }),
    );
  }

  /** How this process of the service feels. Never rejects, and answers within a second, whatever is away. */
  async health(): Promise<SagaHealth> {
    return this.healthReader.read();
  }

  private async until<T>(
    sagaId: string,
    options: { readonly timeout: number },
    code: 'NOT_SETTLED' | 'NOT_DECIDED',
    found: (saga: TrackedSaga | undefined) => T | undefined,
    inTheEnd = found,
  ): Promise<T> {
    const timeout = checkedTimeout(options?.timeout);
    const end = Date.now() + timeout;
    for (let pause = 10; ; pause = Math.min(pause * 2, 250)) {
      const saga = await this.status(sagaId);
      const result = found(saga);
      if (result !== undefined) return result;
      if (Date.now() + pause > end) {
        const last = inTheEnd(saga);
        if (last !== undefined) return last;
        throw new SagaError(
          code,
          `Saga ${quotedId(sagaId)} is ${saga?.status ?? 'unknown'} after ${timeout} ms; it goes on, ask again.`,
          { sagaId, retriable: true },
        );
      }
      await sleep(pause);
    }
  }

  private tracker(): SagaTracker {
    const tracker = this.findTracker();
    if (tracker) return tracker;
    throw new SagaError(
      'NO_TRACKER',
      'No participant knows a whole saga; import SagaTrackerModule into this application to ask for its state.',
    );
  }

  private findTracker(): SagaTracker | undefined {
    return trackerIn(this.moduleRef);
  }
}
