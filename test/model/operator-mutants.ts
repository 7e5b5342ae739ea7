import type { StepShape } from '../../libs/saga/src/definition/saga-definition.js';
import type { Advance, Signal, StepState } from '../../libs/saga/src/protocol/step-state.js';
import { realCore, type Core } from './core.js';
import { definitions } from './definitions.js';
import { undoneByHand } from './environment.js';
import type { Mutant } from './mutant.js';

/** Ways to get an operator's words wrong: what he says is given beside what runs, and beside what another operator says. */
export const operatorMutants: readonly Mutant[] = [
  mutant('resolved while a redriven undo is attempted', 'I1', ({ status }, { type }) =>
    status === 'compensating' && type === 'resolve' ? closed : undefined,
  ),
  mutant('redriven after it was resolved', 'I9', ({ status }, { type }) =>
    status === 'compensated' && type === 'redrive' ? undoing : undefined,
  ),
  mutant('redriven although it is done', 'I3', ({ status }, { type }) =>
    status === 'done' && type === 'redrive' ? undoing : undefined,
  ),
  mutant('resolved although it is done', 'I3', ({ status }, { type }) =>
    status === 'done' && type === 'resolve' ? closed : undefined,
  ),
  mutant('waived although it is done', 'I3', ({ status }, { type }) =>
    status === 'done' && type === 'waive' ? closed : undefined,
  ),
  mutant('a redrive goes back to done and waits for what has come already', 'I8', ({ status }, { type }) =>
    status === 'deadLettered' && type === 'redrive'
      ? (state) => ({ state: { ...state, status: 'done' }, verdict: 'handled' })
      : undefined,
  ),
  mutant('a resolve that is told to nobody', 'I9', ({ status }, { type }) =>
    status === 'deadLettered' && type === 'resolve'
      ? (state) => ({ state: { ...state, status: 'compensated' }, verdict: 'handled' })
      : undefined,
  ),
];

type Answer = (state: StepState) => Advance;

const undoing: Answer = (state) => ({
  state: { ...state, status: 'compensating' },
  verdict: 'handled',
  run: 'compensation',
});

const closed: Answer = (state) => ({
  state: { ...state, status: 'compensated' },
  verdict: 'handled',
  emit: 'compensated',
});

function mutant(
  name: string,
  falls: string,
  instead: (state: StepState, signal: Signal) => Answer | undefined,
): Mutant {
  const advance: Core['advance'] = (step: StepShape, state, signal) =>
    instead(state, signal)?.(state) ?? realCore.advance(step, state, signal);
  return { name, saga: definitions['a, b, P, R'], core: { ...realCore, advance }, environment: undoneByHand, falls };
}
