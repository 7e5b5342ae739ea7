import fc from 'fast-check';
import type { SagaGraph } from '../../libs/saga/src/definition/index.js';
import { defined, type Plan } from './definitions.js';

/** Any sound definition of 2 to `most` steps: a DAG with one source, everything before the pivot joined into it, everything else after it. */
export function anyDefinition(most: number): fc.Arbitrary<SagaGraph> {
  return fc
    .integer({ min: 2, max: most })
    .chain((count) =>
      fc.tuple(
        fc.integer({ min: 0, max: count - 1 }),
        fc.array(fc.nat(), { minLength: count, maxLength: count }),
        fc.subarray(Array.from({ length: count }, (_, step) => step)),
      ),
    )
    .map(([pivot, choices, conditional]) => defined('random', planOf(pivot, choices, conditional)));
}

/** Steps are 0, 1, 2 …; bit n of a choice makes step n a predecessor. Source and pivot are never conditional. */
function planOf(pivot: number, choices: readonly number[], conditional: readonly number[]): Plan {
  const predecessors: number[][] = [];
  for (const [step, choice] of choices.entries()) {
    const chosen = predecessors.flatMap((_before, other) => (choice & (1 << other) ? [other] : []));
    predecessors.push(step === pivot ? [...new Set([...chosen, ...sinksOf(predecessors)])] : chosen);
    if (step !== 0 && predecessors[step]!.length === 0) predecessors[step]!.push(step - 1);
    if (step > pivot && !predecessors[step]!.some((other) => other >= pivot)) predecessors[step]!.push(pivot);
  }
  const kindOf = (step: number) => (step === pivot ? 'pivot' : step > pivot ? 'retriable' : 'compensatable');
  return Object.fromEntries(
    predecessors.map((before, step) => [
      `s${step}`,
      {
        kind: kindOf(step),
        ...(step !== 0 && step !== pivot && conditional.includes(step) && { conditional: true as const }),
        ...(before.length > 0 && { after: before.map((other) => `s${other}`) }),
      },
    ]),
  );
}

function sinksOf(predecessors: readonly (readonly number[])[]): number[] {
  return predecessors.flatMap((_before, step) => (predecessors.some((before) => before.includes(step)) ? [] : [step]));
}
