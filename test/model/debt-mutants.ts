import { realCore, type Core } from './core.js';
import { definitions } from './definitions.js';
import { withDeadLetters } from './environment.js';
import type { Mutant } from './mutant.js';

const goingOn = definitions['a, b goes on, P'];
const halting = definitions['a, b, P, R'];

/** Ways to get the dead letters wrong after which the undo goes on. */
export const debtMutants: readonly Mutant[] = [
  mutant('a dead letter after which the undo goes on is told to nobody', 'I9', {
    reactionsTo: (saga, event) => (event.outcome === 'deadLettered' ? [] : realCore.reactionsTo(saga, event)),
  }),
  {
    ...mutant('the undo goes on after every dead letter', 'I3', {
      reactionsTo: (saga, event) =>
        realCore.reactionsTo(saga, event.outcome === 'deadLettered' ? { ...event, outcome: 'compensated' } : event),
    }),
    saga: halting,
  },
  mutant('what is owed is called undone', 'I8', {
    advance: (step, state, signal) =>
      realCore.advance(step, state, signal.type === 'undoExhausted' ? { type: 'undone' } : signal),
  }),
  mutant('the tracker forgets a debt when the saga is aborted', 'I9', {
    foldSaga: (saga, facts) => {
      const state = realCore.foldSaga(saga, facts);
      return state.status === 'aborted' ? { ...state, debts: [] } : state;
    },
  }),
];

function mutant(name: string, falls: string, core: Partial<Core>): Mutant {
  return { name, saga: goingOn, core: { ...realCore, ...core }, environment: withDeadLetters, falls };
}
