import type { StepNode } from '../definition/saga-definition.js';
import type { FoundHandler } from './explorer.js';

/** The methods of one kind, by their step. */
export type Handlers = ReadonlyMap<StepNode, readonly FoundHandler[]>;

/** A step as it is named in errors. */
export function named(step: StepNode): string {
  return `step "${step.name}" of saga "${step.saga}"${step.version > 1 ? ` version ${step.version}` : ''}`;
}
