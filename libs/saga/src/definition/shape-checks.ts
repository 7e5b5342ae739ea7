import { commitPointsOf, predecessorsOf, type Specs } from './graph.js';
import type { StepSpec } from './step-spec.js';

/** Shapes that a step cannot have: a saga has one first step and one commit point, and always. */
export function shapeViolations(specs: Specs): string[] {
  const points = commitPointsOf(specs);
  return Object.entries(specs).flatMap(([name, spec]) => {
    const isCommitPoint = points.length === 1 && points[0] === name;
    return [...whenViolations(name, spec, isCommitPoint), ...eachViolations(name, spec, isCommitPoint)];
  });
}

function whenViolations(name: string, spec: StepSpec, isCommitPoint: boolean): string[] {
  const { when } = spec;
  if (when === undefined) return [];
  if (typeof when !== 'function') return [`step "${name}": its when is no function of its input; make it one`];
  if (predecessorsOf(spec).length === 0)
    return [`step "${name}" is the source and cannot be skipped; remove its when, or do not start the saga`];
  if (!isCommitPoint) return [];
  return [
    `step "${name}" is the commit point and cannot be skipped; remove its when, or let it decide inside its method`,
  ];
}

function eachViolations(name: string, spec: StepSpec, isCommitPoint: boolean): string[] {
  const { each } = spec;
  if (each === undefined) return [];
  if (typeof each !== 'function') return [`step "${name}": its each is no function of the source's event; make it one`];
  if (predecessorsOf(spec).length === 0)
    return [`step "${name}" is the source, whose event names the branches, so it has none; remove its each`];
  if (!isCommitPoint) return [];
  return [
    `step "${name}" is the commit point, and a saga commits at one point; remove its each, or join its branches in a step that commits`,
  ];
}
