import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import { branchStep, type Branches } from './branches.js';

const kept = 500;
const known = new WeakMap<SagaGraph, Map<string, SagaGraph>>();

/**
 * The graph of one saga: each fan-out is replaced by a step for each of its branches, with all its edges. A fan-out without branches, and all of
 * them as long as the source is not done, leaves its predecessors joined to its successors. The protocol knows no fan-outs: it works on this graph.
 */
export function expanded(saga: SagaGraph, branches: Branches | undefined): SagaGraph {
  if (saga.fanOuts.length === 0 || saga.template) return saga;
  const graphs = known.get(saga) ?? new Map<string, SagaGraph>();
  known.set(saga, graphs);
  const key = JSON.stringify(saga.fanOuts.map((step) => branches?.[step] ?? []));
  const graph = graphs.get(key) ?? graphOf(saga, branches ?? {});
  graphs.delete(key);
  graphs.set(key, graph);
  if (graphs.size > kept) graphs.delete(graphs.keys().next().value!);
  return graph;
}

function graphOf(template: SagaGraph, branches: Branches): SagaGraph {
  const steps = Object.create(null) as Record<string, StepNode>;
  for (const node of Object.values(template.steps)) {
    const predecessors = reached(template, branches, node, 'predecessors');
    const successors = reached(template, branches, node, 'successors');
    for (const own of namesOf(node, branches))
      steps[own.name] = Object.freeze({ ...node, ...own, predecessors, successors });
  }
  const sinks = Object.keys(steps).filter((name) => steps[name]!.successors.length === 0);
  return Object.freeze({ ...template, sinks, template, steps: Object.freeze(steps) });
}

type OwnName = Pick<StepNode, 'name' | 'branchOf'>;

function namesOf({ name, each }: StepNode, branches: Branches): readonly OwnName[] {
  if (!each) return [{ name }];
  return (branches[name] ?? []).map((branch) => ({ name: branchStep(name, branch), branchOf: { step: name, branch } }));
}

/** The neighbors of a step; where one of them has no branches, what lies behind it. */
function reached(
  template: SagaGraph,
  branches: Branches,
  node: StepNode,
  side: 'predecessors' | 'successors',
): readonly string[] {
  const found = new Set<string>();
  const open = [...node[side]];
  for (let step = open.shift(); step !== undefined; step = open.shift()) {
    const neighbor = template.steps[step]!;
    const names = namesOf(neighbor, branches);
    for (const { name } of names) found.add(name);
    if (names.length === 0) open.push(...neighbor[side]);
  }
  return Object.freeze([...found]);
}
