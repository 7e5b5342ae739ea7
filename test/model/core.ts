import type { SagaGraph, StepShape } from '../../libs/saga/src/definition/saga-definition.js';
import { reactionsTo, type Reaction } from '../../libs/saga/src/protocol/reactions.js';
import { foldSaga, type SagaFact, type SagaState } from '../../libs/saga/src/protocol/saga-state.js';
import { advance } from '../../libs/saga/src/protocol/step-machine.js';
import type { Advance, Signal, StepState } from '../../libs/saga/src/protocol/step-state.js';

/** The three pure functions that are explored. A mutant replaces one of them. */
export interface Core {
  advance(step: StepShape, state: StepState, signal: Signal): Advance;
  reactionsTo(saga: SagaGraph, event: SagaFact): readonly Reaction[];
  foldSaga(saga: SagaGraph, facts: Iterable<SagaFact>): Pick<SagaState, 'status' | 'inconsistencies' | 'debts'>;
}

export const realCore: Core = { advance, reactionsTo, foldSaga };
