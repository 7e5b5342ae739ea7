import fc from 'fast-check';
import type { SagaGraph } from '../../libs/saga/src/definition/index.js';
import { expanded } from '../../libs/saga/src/protocol/expanded.js';
import { branchesOfWidth, defined, type Plan } from './definitions.js';

/** The graph of a saga of any sound definition of 2 to `most` steps, branches counted: a DAG with one source, everything before the pivot joined into it, everything else after it. */
export function anyDefinition(most: number): fc.Arbitrary<SagaGraph> {
  return fc
    .integer({ min: 2, max: most })
    .chain((count) =>
      fc.tuple(
        fc.integer({ min: 0, max: count - 1 }),
        fc.array(fc.nat(), { minLength: count, maxLength: count }),
        fc.subarray(Array.from({ length: count }, (_, step) => step)),
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: count, maxLength: count }),
      ),
    )
    .map(([pivot, choices, conditional, widths]) => {
      const saga = defined('random', planOf(pivot, choices, conditional, widths));
      return expanded(saga, branchesOfWidth(saga, fitting(saga, widths, most)));
    });
}

/** So many branches that the graph stays small. */
function fitting({ fanOuts, steps }: SagaGraph, widths: readonly number[], most: number): readonly number[] {
  let room = most - Object.keys(steps).length;
  return fanOuts.map((step) => {
    const width = Math.min(widths[Number(step.slice(1))]!, room + 1);
    room -= Math.max(width - 1, 0);
    return width;
  });
}

/** Steps are 0, 1, 2 …; bit n of a choice makes step n a predecessor; a width of over 3 makes no fan-out. Source and pivot are neither conditional nor fan-outs. */
function planOf(
  pivot: number,
  choices: readonly number[],
  conditional: readonly number[],
  widths: readonly number[],
): Plan {
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
        ...(step !== 0 && step !== pivot && widths[step]! <= 3 && { fanOut: true as const }),
        ...(before.length > 0 && { after: before.map((other) => `s${other}`) }),
      },
    ]),
  );
}

function sinksOf(predecessors: readonly (readonly number[])[]): number[] {
  return predecessors.flatMap((_before, step) => (predecessors.some((before) => before.includes(step)) ? [] : [step]));
}
