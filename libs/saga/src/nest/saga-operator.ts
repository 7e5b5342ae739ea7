import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { DeadLetter, LetterFilter } from '../ports/dead-letters.js';
import type { OperatorAnswer, Said } from '../flow/operate/operation.js';
import { Operator, type InspectedSaga, type Resolution } from '../flow/operate/operate.js';
import { sagaIdOf, saidOf } from '../flow/operate/operator-input.js';
import type { OperatorTarget } from '../flow/operate/operator-target.js';
import { SagaError } from '../protocol/errors.js';
import { findAbortable, trackerIn } from './abortable.js';
import { currentStep } from './current-step.js';
import { SagaRuntime } from './runtime.js';

/**
 * What a person does about what waits for one, over the steps that this service implements. Every word takes who says it and why, is committed
 * together with its entry in `saga_audit`, refused ones too, and is answered definitely: `applied`, `alreadyApplied` or `refused`. Saying it again, or
 * two people at once, changes nothing twice.
 *
 * Every method rejects with a `SagaError` that says what is wrong with what it was given: an empty actor or reason, a saga, step or letter that this
 * service does not have, data that an event's schema does not take.
 */
@Injectable()
export class SagaOperator {
  constructor(
    private readonly runtime: SagaRuntime,
    private readonly moduleRef: ModuleRef,
  ) {}

  /** Oldest first; `after` the last letter of the page before. Default: 100, open and settled. */
  async deadLetters(filter: Partial<LetterFilter> = {}): Promise<readonly DeadLetter[]> {
    return this.operator().deadLetters(filter);
  }

  /** What this service knows of a saga: its own rows, dead letters, and every word that was said. */
  async inspect(sagaId: string): Promise<InspectedSaga> {
    return this.operator().inspect(sagaId);
  }

  /** Tries again, with all attempts anew: the compensation of a dead letter, an attempt that is parked or waits long, or a record that was put away. */
  async redrive(word: OperatorTarget & Said): Promise<OperatorAnswer> {
    return this.operator().redrive(word);
  }

  /**
   * Tells what was found out, or done by hand. `compensated`: a dead letter's effect was undone. `done`: the step had its effect, or was done by hand.
   * `notDone`: it has none; the step is rejected, or, where it must be done, attempted again.
   */
  async resolve(word: OperatorTarget & Resolution & Said): Promise<OperatorAnswer> {
    return this.operator().resolve(word);
  }

  /** Accepts the loss: the effect of a dead letter stays, the saga goes on and keeps the debt. A record is never received. */
  async waive(word: OperatorTarget & Said): Promise<OperatorAnswer> {
    return this.operator().waive(word);
  }

  /** Asks for a saga to be closed backwards. `applied`: every participant is asked, and the pivot's owner decides; `refused` when the pivot is known to be done. */
  async abort(word: { readonly sagaId: string } & Said): Promise<OperatorAnswer> {
    const said = saidOf(word);
    const target = await findAbortable(this.runtime, trackerIn(this.moduleRef), sagaIdOf(word.sagaId));
    return this.operator().abort(target, said);
  }

  private operator(): Operator {
    const step = currentStep();
    if (step !== undefined)
      throw new SagaError(
        'OPERATOR_INSIDE_STEP',
        `An operator's word cannot be given inside "${step}", whose rows are locked; give it outside of any step.`,
        { step, retriable: false },
      );
    return new Operator(this.runtime.service);
  }
}
