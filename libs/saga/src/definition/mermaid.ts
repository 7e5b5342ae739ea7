import type { SagaGraph, StepNode } from './saga-definition.js';

/** The graph as a Mermaid flowchart: solid arrows run forward, dotted arrows are the way back, the pivot is a hexagon. */
export function mermaid(saga: SagaGraph): string {
  const steps = Object.values(saga.steps);
  return [
    'flowchart LR',
    ...steps.map(nodeLine),
    ...steps.flatMap(forwardLines),
    ...steps.flatMap((step) => backwardLines(saga, step)),
    '',
  ].join('\n');
}

function nodeLine(step: StepNode): string {
  const label = `"${step.name}<br/>${step.kind === step.role ? step.role : `${step.kind}, ${step.role}`}"`;
  if (step.role === 'pivot') return `  ${step.name}{{${label}}}`;
  return step.role === 'retriable' ? `  ${step.name}([${label}])` : `  ${step.name}[${label}]`;
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
