import { isComparable } from '../definition/fingerprint.js';
import { sagaOf } from '../definition/define-saga.js';
import { commitStep } from '../definition/nested.js';
import type { StepNode } from '../definition/saga-definition.js';
import type { SagaModuleOptions } from './saga.options.js';

type FleetOptions = Pick<Partial<SagaModuleOptions>, 'acceptsGraphs' | 'handsOver' | 'takesOver'>;

/** What is wrong with the options that accept other graphs and move steps between services. */
export function fleetViolations({ acceptsGraphs, handsOver, takesOver }: FleetOptions): readonly string[] {
  return [...accepted(acceptsGraphs), ...handed(handsOver), ...taken(takesOver)];
}

function accepted(graphs: unknown): readonly string[] {
  if (graphs === undefined) return [];
  if (Array.isArray(graphs) && graphs.every((graph) => typeof graph === 'string' && isComparable(graph))) return [];
  return [
    'acceptsGraphs is no list of fingerprints; list texts such as "1:9f86d081884c7d65", as fingerprintOf(definition) tells them',
  ];
}

function handed(steps: unknown): readonly string[] {
  if (steps === undefined) return [];
  if (!Array.isArray(steps)) return ['handsOver is no list; list steps of definitions, such as [Order.steps.charge]'];
  return steps.flatMap((step: unknown): readonly string[] => {
    const saga = typeof step === 'object' && step !== null ? sagaOf(step as StepNode) : undefined;
    if (!saga) return ['handsOver names what is no step of a definition; list steps, such as [Order.steps.charge]'];
    const { name, nested } = step as StepNode;
    if (name !== saga.source && name !== commitStep && !nested) return [];
    return [
      `handsOver names step "${name}" of saga "${saga.name}", which ${nested ? 'is a saga of its own' : 'begins or ends sagas of its own service'} and cannot be moved while sagas run; move it with a new version of the definition`,
    ];
  });
}

function taken(services: unknown): readonly string[] {
  if (services === undefined) return [];
  if (Array.isArray(services) && services.every((name) => typeof name === 'string' && name !== '')) return [];
  return ['takesOver is no list of names; list services that are gone, such as ["orders"]'];
}
