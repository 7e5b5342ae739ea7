import type { SagaGraph, StepNode } from '../../libs/saga/src/definition/saga-definition.js';
import { expanded } from '../../libs/saga/src/protocol/expanded.js';
import { realCore, type Core } from './core.js';
import { branchesOfWidth, fanOuts } from './definitions.js';
import { plain, withAborts } from './environment.js';
import type { Mutant } from './mutant.js';

const template = fanOuts['a; b×n; P'].saga;
const none = graph(0);
const two = graph(2);

/** A step that is asked in the graph without branches, as nobody told it of them. */
const unaware: Core = {
  ...realCore,
  reactionsTo: (saga, event) =>
    event.step === 'P' && event.outcome === 'cancelled'
      ? [...realCore.reactionsTo(saga, event), { step: 'a', signal: { type: 'successorClosed', step: 'P' } }]
      : realCore.reactionsTo(saga, event),
  advance: (step, state, signal) =>
    realCore.advance(
      'step' in signal && signal.step === 'P' && step.name === 'a' ? none.steps['a']! : step,
      state,
      signal,
    ),
};

/** Ways to get fan-outs wrong. */
export const fanOutMutants: readonly Mutant[] = [
  {
    name: 'a fan-out without branches leaves a gap',
    saga: changed(none, { a: { successors: [] }, P: { predecessors: [] } }),
    core: realCore,
    environment: plain,
    falls: 'I8',
  },
  {
    name: 'a join waits for one of the branches',
    saga: changed(two, { P: { predecessors: ['b[x]'] } }),
    core: realCore,
    environment: plain,
    falls: 'I8',
  },
  {
    name: 'a step before the fan-out knows one of the branches',
    saga: changed(two, { a: { successors: ['b[x]'] } }),
    core: realCore,
    environment: plain,
    falls: 'I8',
  },
  {
    name: 'an abort before the branches are known',
    saga: two,
    core: unaware,
    environment: { ...withAborts, fault: 'abort before the branches are known' },
    falls: 'I3',
  },
];

function graph(width: number): SagaGraph {
  return expanded(template, branchesOfWidth(template, [width]));
}

function changed(saga: SagaGraph, changes: Readonly<Record<string, Partial<StepNode>>>): SagaGraph {
  const steps = Object.entries(saga.steps).map(([name, step]) => [name, { ...step, ...changes[name] }] as const);
  return { ...saga, steps: Object.fromEntries(steps) };
}
