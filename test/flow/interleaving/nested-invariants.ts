import type { SagaGraph, StepNode } from '../../../libs/saga/src/definition/index.js';
import { commitStep } from '../../../libs/saga/src/definition/nested.js';
import { childId } from '../../../libs/saga/src/flow/nested/linked-rows.js';
import type { FenceRow } from '../../../libs/saga/src/ports/fence-row.js';
import { isClosed } from '../../../libs/saga/src/protocol/step-state.js';
import type { Deed } from './history.js';
import type { World } from './world.js';

/** A saga and those inside it end alike; what is inside follows what comes before its step, and is undone before that is. */
export async function parted(
  world: World,
  saga: SagaGraph,
  sagaId: string,
  rows: readonly FenceRow[],
): Promise<readonly string[]> {
  const nested = Object.values(saga.steps).filter((node) => node.nested);
  const found = nested.map(async (node) => {
    const child = childId(world, sagaId, node.name);
    const inside = (await Promise.all(world.sites.map(({ store }) => store.find(child)))).flat();
    const outer = rows.find(({ step }) => step === node.name);
    const ends = unlike(node, outer, inside);
    return outer?.operated ? ends : [...ends, ...misplaced(world, node, sagaId, child)]; // an operator may have gone on without it
  });
  return (await Promise.all(found)).flat();
}

function unlike(
  { name, nested }: StepNode,
  outer: FenceRow | undefined,
  inside: readonly FenceRow[],
): readonly string[] {
  const statusOf = (step: string): FenceRow['status'] => inside.find((row) => row.step === step)?.status ?? 'none';
  const [source, gate] = [statusOf(nested!.saga.source), statusOf(commitStep)];
  const isAlike = outer?.status === 'done' ? gate === 'done' : source === 'none' || isClosed(source);
  return isAlike || inside.length === 0
    ? []
    : [`${name} is ${outer?.status}, inside it the first step is ${source}, the last ${gate}`];
}

function misplaced(
  { history: { deeds } }: World,
  { name, nested, predecessors, successors }: StepNode,
  sagaId: string,
  child: string,
): readonly string[] {
  const places = (steps: readonly string[], kind: Deed['kind']): readonly number[] =>
    deeds.flatMap((deed, at) =>
      deed.sagaId === sagaId && deed.kind === kind && steps.includes(deed.step) ? [at] : [],
    );
  return deeds.flatMap(({ sagaId: of, kind, step }, at) => {
    if (of !== child) return [];
    const before = places(predecessors, kind);
    const isLate = nested!.saga.steps[step.replace(/\[.*/, '')]?.onDeadLetter === 'continue';
    const isEarly = before.some((place) => place > at) || places(successors, kind).some((place) => place < at);
    const isWrong = kind === 'effect' ? isEarly : !isLate && before.some((place) => place < at);
    return isWrong ? [`the ${kind} of ${step} inside ${name} is out of its place`] : [];
  });
}
