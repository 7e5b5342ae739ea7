import type { SagaGraph } from '../../libs/saga/src/definition/saga-definition.js';
import type { Core } from './core.js';
import { printed } from './counterexample.js';
import type { Environment } from './environment.js';
import { explore } from './explore.js';
import { trackerSteps } from './tracker.js';

/** What an exploration found; `problem` is undefined when everything holds. */
export interface Report {
  readonly line: string;
  readonly states: number;
  readonly problem: string | undefined;
}

export const heading = row('definition', 'environment', 'states', 'moves', 'endings', 'tracker steps');

/** Explores a definition in an environment and checks all there is to check: I1 to I9, that every run ends, that the tracker is monotone. */
export function reportOn(name: string, saga: SagaGraph, core: Core, environment: Environment): Report {
  const { states, transitions, endings, scene, counterexample, wrongMove } = explore(saga, core, environment);
  const tracker = trackerSteps(scene, endings.keys());
  const line = row(name, environment.name, states, transitions, endings.size, tracker.steps);
  return { line, states, problem: counterexample ? printed(counterexample) : (wrongMove ?? tracker.wrong[0]) };
}

function row(name: string, environment: string, ...numbers: readonly (number | string)[]): string {
  const columns = numbers.map((number) => number.toLocaleString('en-US').padStart(15));
  return `${name.padEnd(48)}${environment.padEnd(36)}${columns.join('')}`;
}
