import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import { branchStep } from '../protocol/branches.js';
import type { BoundStep } from './bound-step.js';

/** A service's step in its place in the graph of one saga. */
export function placed(bound: BoundStep, graph: SagaGraph, place: StepNode): BoundStep {
  const { name, branchOf, predecessors, successors } = place;
  return {
    ...bound,
    saga: graph,
    node: { ...bound.node, name, ...(branchOf && { branchOf }), predecessors, successors },
  };
}

/** One branch of a fan-out, or of a listener that hears one. */
export function branchAt(bound: BoundStep, graph: SagaGraph, branch: string): BoundStep | undefined {
  const { node, hears } = bound;
  const name = branchStep(node.name, branch);
  if (!hears)
    return node.each && { ...bound, saga: graph, node: { ...node, name, branchOf: { step: node.name, branch } } };
  const step = branchStep(hears.step, branch);
  const branchOf = { step: hears.step, branch };
  return { ...bound, saga: graph, node: { ...node, name, branchOf, predecessors: [step] }, hears: { ...hears, step } };
}
