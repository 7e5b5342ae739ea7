import type { SagaGraph, StepNode } from '../../libs/saga/src/definition/saga-definition.js';
import { isClosing } from '../../libs/saga/src/protocol/outcome.js';
import type { SagaFact } from '../../libs/saga/src/protocol/saga-state.js';
import type { Advance, Signal, StepState } from '../../libs/saga/src/protocol/step-state.js';
import { realCore, type Core } from './core.js';
import { debtMutants } from './debt-mutants.js';
import { definitions } from './definitions.js';
import {
  acknowledged,
  outside,
  plain,
  withAborts,
  withDeadLetters,
  type Environment,
  type Fault,
} from './environment.js';
import { fanOutMutants } from './fan-out-mutants.js';
import type { Mutant } from './mutant.js';
import { operatorMutants } from './operator-mutants.js';
import { skipMutants } from './skip-mutants.js';

const linear = definitions['a, b, P, R'];
const fanOut = definitions['a; b‖c; P; R'];

export const mutants: readonly Mutant[] = [
  machine('no tombstone: an early close is ignored', fanOut, acknowledged, 'I8', ({ state, signal }) =>
    state.status === 'none' && signal.type === 'successorClosed' ? { state, verdict: 'ignored' } : undefined,
  ),
  machine('no tombstone: an early close is answered and forgotten', fanOut, plain, 'I5', ({ state, signal }) =>
    state.status === 'none' && signal.type === 'successorClosed'
      ? { state, verdict: 'handled', emit: 'cancelled' }
      : undefined,
  ),
  machine('closing forgotten while running', fanOut, acknowledged, 'I8', ({ state, signal }) =>
    state.status === 'running' && signal.type === 'successorClosed' ? { state, verdict: 'ignored' } : undefined,
  ),
  machine('undo directly on abort', linear, withAborts, 'I3', ({ step, state, signal }) =>
    state.status === 'done' && step.role === 'compensatable' && signal.type === 'abortRequested'
      ? undoing(state)
      : undefined,
  ),
  machine('undo when any successor closed', fanOut, plain, 'I3', ({ step, state, signal }) =>
    state.status === 'done' && step.role === 'compensatable' && signal.type === 'successorClosed'
      ? undoing(state)
      : undefined,
  ),
  machine('closings counted instead of named', fanOut, plain, 'I3', ({ step, state, signal }) => {
    if (signal.type !== 'successorClosed' || state.status !== 'done') return undefined;
    const successorsClosed = [...state.successorsClosed, signal.step];
    if (successorsClosed.length < step.successors.length)
      return { state: { ...state, successorsClosed }, verdict: 'handled' };
    return step.role === 'compensatable' ? undoing({ ...state, successorsClosed }) : undefined;
  }),
  machine('a join counts instead of naming', fanOut, plain, 'I6', ({ step, state, signal }) => {
    if (signal.type !== 'predecessorDone' || state.status !== 'none') return undefined;
    const predecessorsDone = [...state.predecessorsDone, signal.step];
    const complete = predecessorsDone.length === step.predecessors.length;
    return { state: { ...state, predecessorsDone, status: complete ? 'running' : 'none' }, verdict: 'handled' };
  }),
  machine('retriable honors abort', linear, withAborts, 'I6', ({ step, state, signal }) =>
    step.role === 'retriable' && state.status === 'none' && signal.type === 'abortRequested'
      ? closing(state, 'cancelled')
      : undefined,
  ),
  machine('retriable may be rejected', linear, plain, 'I6', ({ step, state, signal }) =>
    step.role === 'retriable' && state.status === 'running' && signal.type === 'rejected'
      ? closing(state, 'rejected')
      : undefined,
  ),
  machine('used up attempts reject whatever is known', linear, outside, 'I4', ({ step, state, signal }) =>
    signal.type === 'attemptsExhausted' && state.status === 'running' && step.role !== 'retriable'
      ? closing(state, 'rejected')
      : undefined,
  ),
  machine('a failure decides for the attempts before it', linear, outside, 'I4', ({ state, signal }) =>
    signal.type === 'attemptFailed' && state.undecided?.attempt === signal.attempt ? decided(state) : undefined,
  ),
  machine('a failure that is told late decides for the attempt after it', linear, outside, 'I4', ({ state, signal }) =>
    signal.type === 'attemptFailed' && state.undecided?.earlier === false ? decided(state) : undefined,
  ),
  machine('a step that begins again forgets that it had begun', linear, outside, 'I4', ({ state, signal }) =>
    signal.type === 'attemptBegun' && state.status === 'running'
      ? { state: { ...state, undecided: { attempt: signal.attempt, earlier: false } }, verdict: 'handled' }
      : undefined,
  ),
  machine('an unknown outcome counts as a failure', linear, outside, 'I4', ({ state, signal }) =>
    signal.type === 'outcomeUnknown' && state.status === 'running' ? decided(state) : undefined,
  ),
  machine('a step is abandoned though it may have its effect', fanOut, outside, 'I4', ({ step, state, signal }) =>
    signal.type === 'abandoned' &&
    state.status === 'running' &&
    state.successorsClosed.length === step.successors.length
      ? closing(state, 'cancelled')
      : undefined,
  ),
  machine('a step is abandoned before it is doomed', linear, outside, 'I6', ({ state, signal }) =>
    signal.type === 'abandoned' && state.status === 'running' && !state.undecided
      ? closing(state, 'cancelled')
      : undefined,
  ),
  {
    ...sound('compensatable after the pivot', plain, 'I6'),
    saga: changed(linear, { R: { role: 'compensatable', kind: 'compensatable' } }),
  },
  { ...sound('two sinks without a join', plain, 'I8'), saga: twoSinks() },
  machine('run again after the undo', linear, plain, 'I3', ({ step, state, signal }) =>
    state.status === 'compensated' && signal.type === 'predecessorDone' && step.predecessors.includes(signal.step)
      ? { state: { ...state, status: 'running' }, verdict: 'handled', run: 'step' }
      : undefined,
  ),
  {
    ...sound('rejection not passed forward', plain, 'I8'),
    core: {
      ...realCore,
      reactionsTo: (saga, event) =>
        realCore
          .reactionsTo(saga, event)
          .filter(({ signal }) => !isClosing(event.outcome) || signal.type !== 'predecessorClosed'),
    },
  },
  {
    ...sound('the tracker never forgets a dead letter', withDeadLetters, 'I9'),
    core: {
      ...realCore,
      foldSaga: (saga, facts) =>
        realCore.foldSaga(
          saga,
          [...facts].filter(({ step, outcome }, _index, all) => outcome !== 'compensated' || !hasDeadLetter(all, step)),
        ),
    },
  },
  ...debtMutants,
  ...operatorMutants,
  ...skipMutants,
  ...fanOutMutants,
  faulty('event lost after commit', plain, 'I8'),
  faulty('undo event lost after commit', plain, 'I9'),
  faulty('no idempotency key', plain, 'I1'),
  faulty('no idempotency key of the undo', plain, 'I1'),
  faulty('rejected on an unknown outcome', plain, 'I4'),
  faulty('said not to have happened too early', outside, 'I4'),
  faulty('tombstone expires', plain, 'I5'),
];

interface Question {
  readonly step: Parameters<Core['advance']>[0];
  readonly state: StepState;
  readonly signal: Signal;
}

function sound(name: string, environment: Environment, falls: string): Mutant {
  return { name, saga: linear, core: realCore, environment, falls };
}

/** The real machine, save for what `answer` answers itself. */
function machine(
  name: string,
  saga: SagaGraph,
  environment: Environment,
  falls: string,
  answer: (question: Question) => Advance | undefined,
): Mutant {
  const advance: Core['advance'] = (step, state, signal) =>
    answer({ step, state, signal }) ?? realCore.advance(step, state, signal);
  return { name, saga, core: { ...realCore, advance }, environment, falls };
}

function faulty(fault: Fault, environment: Environment, falls: string): Mutant {
  return { ...sound(fault, { ...environment, fault }, falls) };
}

function undoing(state: StepState): Advance {
  return { state: { ...state, status: 'compensating' }, verdict: 'handled', run: 'compensation' };
}

function closing(state: StepState, status: 'cancelled' | 'rejected'): Advance {
  return { state: { ...state, status }, verdict: 'handled', emit: status };
}

function decided({ undecided: _known, ...state }: StepState): Advance {
  return { state, verdict: 'handled' };
}

function hasDeadLetter(facts: readonly SagaFact[], step: string): boolean {
  return facts.some((fact) => fact.step === step && fact.outcome === 'deadLettered');
}

/** A graph that `defineSaga` would refuse. */
function changed(saga: SagaGraph, changes: Readonly<Record<string, Partial<StepNode>>>): SagaGraph {
  const steps = Object.entries(saga.steps).map(([name, step]) => [name, { ...step, ...changes[name] }] as const);
  return { ...saga, steps: Object.fromEntries(steps) };
}

/** a; b‖c, and nothing that joins them. */
function twoSinks(): SagaGraph {
  const { steps } = changed(fanOut, { b: { successors: [] }, c: { successors: [] } });
  const kept = Object.entries(steps).filter(([name]) => ['a', 'b', 'c'].includes(name));
  return { ...fanOut, commitPoint: 'none', sinks: ['b', 'c'], steps: Object.fromEntries(kept) };
}
