import type { SagaFact } from '../../libs/saga/src/protocol/saga-state.js';
import type { Core } from './core.js';
import type { Exploration } from './explore.js';
import { textOf } from './vocabulary.js';

export interface OrdersReport {
  readonly orders: number;
  readonly wrong: number;
  /** The first order that a fold gets wrong, in words. */
  readonly example?: string;
}

/** Lets a fold see the events of every run in every order in which they can arrive, and compares with what became of the saga. */
export function arrivalOrders({ scene, endings }: Exploration, fold: Core['foldSaga']): OrdersReport {
  let orders = 0;
  let wrong = 0;
  let example: string | undefined;
  for (const [published, truth] of endings) {
    for (const order of permutations(scene.vocabulary.factsOf(published))) {
      orders++;
      const { status } = fold(scene.saga, order);
      if (status === truth) continue;
      wrong++;
      example ??= `after ${order.map(textOf).join(', ')} it says ${status}, and the saga is ${truth}`;
    }
  }
  return { orders, wrong, ...(example !== undefined && { example }) };
}

export function* permutations(facts: readonly SagaFact[]): Generator<readonly SagaFact[]> {
  if (facts.length <= 1) yield facts;
  else {
    for (const [index, first] of facts.entries()) {
      for (const rest of permutations(facts.toSpliced(index, 1))) yield [first, ...rest];
    }
  }
}
