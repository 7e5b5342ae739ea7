import { sagaOf } from '../definition/define-saga.js';
import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { FoundHandler } from './explorer.js';

/** The service's decorated methods do not fit its definitions. The message and `violations` list everything that is wrong and how to mend each. */
export class InvalidSagaSetup extends Error {
  readonly code = 'INVALID_SAGA_SETUP';

  constructor(
    readonly service: string,
    readonly violations: readonly string[],
  ) {
    super(
      `Service "${service}" cannot take part in its sagas:\n${violations.map((violation) => `  - ${violation}`).join('\n')}`,
    );
    this.name = 'InvalidSagaSetup';
  }
}

/** Everything wrong with what was found, in a stable order. */
export function setupViolations(handlers: readonly FoundHandler[], sagas: readonly SagaGraph[]): readonly string[] {
  const found: string[] = [];
  const steps = new Map<StepNode, FoundHandler[]>();
  const undos = new Map<StepNode, FoundHandler[]>();
  for (const handler of handlers) {
    const { metadata, label } = handler;
    if (metadata.kind === 'listener') {
      if (!sagas.some((saga) => emits(saga, metadata.event?.type))) {
        found.push(
          `${label} listens to "${metadata.event?.type}", which no saga known to this service emits; add its definition to SagaModule.forRoot({ sagas: [...] })`,
        );
      }
      continue;
    }
    if (!metadata.step || !sagaOf(metadata.step)) {
      found.push(
        `${label} is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser`,
      );
      continue;
    }
    const group = metadata.kind === 'step' ? steps : undos;
    group.set(metadata.step, [...(group.get(metadata.step) ?? []), handler]);
  }
  return [
    ...found,
    ...duplicates(steps, '@SagaStep'),
    ...duplicates(undos, '@Compensates'),
    ...pairs(steps, undos),
    ...sameNames(sagas),
  ];
}

function duplicates(group: ReadonlyMap<StepNode, readonly FoundHandler[]>, decorator: string): readonly string[] {
  return [...group].flatMap(([step, handlers]) =>
    handlers.length > 1
      ? [
          `step "${step.name}" of saga "${step.saga}" has ${handlers.length} ${decorator} methods (${handlers.map(({ label }) => label).join(', ')}); keep one`,
        ]
      : [],
  );
}

function pairs(
  steps: ReadonlyMap<StepNode, readonly FoundHandler[]>,
  undos: ReadonlyMap<StepNode, readonly FoundHandler[]>,
): readonly string[] {
  const missing = [...steps.keys()].flatMap((step) => {
    if (step.role !== 'compensatable' || step.kind !== 'compensatable' || undos.has(step)) return [];
    const pivot = sagaOf(step)!.commitPoint;
    return [
      `step "${step.name}" of saga "${step.saga}" comes before the pivot "${pivot}" but this service has no @Compensates for it; add one, or declare the step readOnly`,
    ];
  });
  const stray = [...undos].flatMap(([step, handlers]) => {
    const { label } = handlers[0]!;
    if (step.role !== 'compensatable' || step.kind === 'readOnly') {
      return [
        `${label} compensates step "${step.name}" of saga "${step.saga}", which is never undone (${step.kind}); remove it`,
      ];
    }
    return steps.has(step)
      ? []
      : [
          `${label} compensates step "${step.name}" of saga "${step.saga}", whose @SagaStep is not in this service; move both into one service`,
        ];
  });
  return [...missing, ...stray];
}

function sameNames(sagas: readonly SagaGraph[]): readonly string[] {
  const twice = sagas.filter((saga, index) => sagas.findIndex((other) => other.name === saga.name) !== index);
  return twice.map((saga) => `two definitions are named "${saga.name}"; a service takes part in one version of a saga`);
}

function emits(saga: SagaGraph, type: string | undefined): boolean {
  return Object.values(saga.steps).some(({ events }) =>
    [events.done, events.rejected, events.compensated, events.cancelled].some((event) => event.type === type),
  );
}
