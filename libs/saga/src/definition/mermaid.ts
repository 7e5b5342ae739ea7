import type { SagaGraph, StepNode } from './saga-definition.js';

/** The graph as a Mermaid flowchart: solid arrows run forward, dotted arrows are the way back, the pivot is a hexagon, a conditional step has a dashed border, a fan-out a double one. */
export function mermaid(saga: SagaGraph): string {
  const steps = Object.values(saga.steps);
  return [
    'flowchart LR',
    ...steps.map(nodeLine),
    ...conditionalLines(steps),
    ...steps.flatMap(forwardLines),
    ...steps.flatMap((step) => backwardLines(saga, step)),
    '',
  ].join('\n');
}

function nodeLine(step: StepNode): string {
  const words = [
    ...new Set([step.kind, step.role]),
    ...(step.when ? ['conditional'] : []),
    ...(step.each ? ['for each branch'] : []),
  ];
  const label = `"${step.name}<br/>${words.join(', ')}"`;
  if (step.each) return `  ${step.name}[[${label}]]`;
  if (step.role === 'pivot') return `  ${step.name}{{${label}}}`;
  return step.role === 'retriable' ? `  ${step.name}([${label}])` : `  ${step.name}[${label}]`;
}

/** Steps that may be skipped have a dashed border. */
function conditionalLines(steps: readonly StepNode[]): string[] {
  const names = steps.filter((step) => step.when).map((step) => step.name);
  if (names.length === 0) return [];
  return ['  classDef conditional stroke-dasharray: 5 5', `  class ${names.join(',')} conditional`];
}

function forwardLines(step: StepNode, _index: number, steps: readonly StepNode[]): string[] {
  return step.predecessors.map((before) => {
    const event = steps.find((other) => other.name === before)!.events.done.type;
    return `  ${before} -->|${event}| ${step.name}`;
  });
}

/** An undo of a step is triggered by the closing of its successors: by their rejection, or by their own undo. */
function backwardLines(saga: SagaGraph, step: StepNode): string[] {
  if (step.role === 'retriable') return [];
  const closing = step.role === 'pivot' ? step.events.rejected.type : step.events.compensated.type;
  const lines = step.predecessors.map((before) => `  ${step.name} -.->|${closing}| ${before}`);
  if (step.name === saga.source && step.role === 'compensatable')
    lines.push(`  ${step.name} -.->|${closing}| aborted((aborted))`);
  return lines;
}
