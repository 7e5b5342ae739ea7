import { commitPointsOf, predecessorsOf, type Specs } from './graph.js';

/** Steps that cannot be skipped: a saga without its first step is none, and one without its commit point never commits. */
export function shapeViolations(specs: Specs): string[] {
  const points = commitPointsOf(specs);
  return Object.entries(specs).flatMap(([name, spec]) => {
    const { when } = spec;
    if (when === undefined) return [];
    if (typeof when !== 'function') return [`step "${name}": its when is no function of its input; make it one`];
    if (predecessorsOf(spec).length === 0)
      return [`step "${name}" is the source and cannot be skipped; remove its when, or do not start the saga`];
    if (points.length === 1 && points[0] === name)
      return [
        `step "${name}" is the commit point and cannot be skipped; remove its when, or let it decide inside its method`,
      ];
    return [];
  });
}
