import { realCore, type Core } from './core.js';
import { definitions } from './definitions.js';
import { plain, type Environment } from './environment.js';
import type { Mutant } from './mutant.js';

const linear = definitions['a, b?, c, P, R?'];
const branch = definitions['a; b?‖c; P'];

/** Ways to get skipped steps wrong. */
export const skipMutants: readonly Mutant[] = [
  mutant('a skipped step is told to nobody', 'I8', {
    reactionsTo: (saga, event) => (event.outcome === 'skipped' ? [] : realCore.reactionsTo(saga, event)),
  }),
  mutant('a skipped step is taken for closed', 'I3', {
    reactionsTo: (saga, event) =>
      realCore.reactionsTo(saga, event.outcome === 'skipped' ? { ...event, outcome: 'cancelled' } : event),
  }),
  {
    ...mutant('a skipped step forgets what closed while it ran', 'I8', {
      advance: (step, state, signal) =>
        signal.type === 'skipped' && state.status === 'running'
          ? { state: { ...state, status: 'done' }, verdict: 'handled', emit: 'skipped' }
          : realCore.advance(step, state, signal),
    }),
    saga: branch,
  },
  mutant('a skipped step is closed on its own', 'I8', {
    advance: (step, state, signal) =>
      signal.type === 'skipped' && state.status === 'running'
        ? { state: { ...state, status: 'cancelled' }, verdict: 'handled', emit: 'skipped' }
        : realCore.advance(step, state, signal),
  }),
  mutant('the tracker waits for a skipped step', 'I9', {
    foldSaga: (saga, facts) =>
      realCore.foldSaga(
        saga,
        [...facts].filter(({ outcome }) => outcome !== 'skipped'),
      ),
  }),
  mutant(
    'a skipped step is undone by its method',
    'I2',
    {},
    { ...plain, fault: 'a skipped step is undone by its method' },
  ),
];

function mutant(name: string, falls: string, core: Partial<Core>, environment: Environment = plain): Mutant {
  return { name, saga: linear, core: { ...realCore, ...core }, environment, falls };
}
