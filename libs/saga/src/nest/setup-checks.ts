import { sagaOf } from '../definition/define-saga.js';
import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import type { Topics } from '../protocol/topics.js';
import { listenerName } from './binding.js';
import { missingEnhancers } from './enhancers.js';
import { isShared, type FoundHandler } from './explorer.js';
import { heardIn } from './heard-events.js';
import { topicViolations } from './topic-checks.js';
import { handlerOptionViolations } from './option-checks.js';
import { resolutionViolations } from './resolution-checks.js';
import { named, type Handlers } from './step-handlers.js';

/** The application does not fit its sagas. The message and `violations` list everything that is wrong and how to mend each. */
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
export function setupViolations(
  handlers: readonly FoundHandler[],
  sagas: readonly SagaGraph[],
  topics: Topics,
): readonly string[] {
  const steps = handlersOf('step', handlers);
  const undos = handlersOf('compensation', handlers);
  const resolutions = handlersOf('resolution', handlers);
  return [
    ...handlers.flatMap((handler) => handlerViolations(handler, sagas)),
    ...sameListeners(handlers),
    ...duplicates(steps, '@SagaStep'),
    ...duplicates(undos, '@Compensates'),
    ...missingCompensations(steps, undos),
    ...strayCompensations(steps, undos),
    ...duplicates(resolutions, '@Resolves'),
    ...resolutionViolations(steps, resolutions),
    ...strayNested(steps),
    ...sameNames(sagas),
    ...topicViolations(sagas, topics),
  ];
}

function handlersOf(kind: 'step' | 'compensation' | 'resolution', handlers: readonly FoundHandler[]): Handlers {
  const found = new Map<StepNode, readonly FoundHandler[]>();
  for (const handler of handlers) {
    const { metadata } = handler;
    if (metadata.kind !== kind || !metadata.step || !sagaOf(metadata.step)) continue;
    found.set(metadata.step, [...(found.get(metadata.step) ?? []), handler]);
  }
  return found;
}

function handlerViolations(handler: FoundHandler, sagas: readonly SagaGraph[]): readonly string[] {
  const { label, metadata, type } = handler;
  const subject = metadata.kind === 'listener' ? listenerViolations(handler, sagas) : stepViolations(handler);
  const missing = missingEnhancers(handler).map(
    (enhancer) =>
      `${label} has ${enhancer}, of which Nest makes no instance because a factory or a value provides ${type.name}; provide the class itself, or give the decorator an instance`,
  );
  return [...subject, ...methodViolations(handler), ...handlerOptionViolations(label, metadata), ...missing];
}

/** Of one that is made for every request nothing is known yet. */
function methodViolations({ label, metadata, wrapper, type }: FoundHandler): readonly string[] {
  if (!isShared(wrapper)) return [];
  const { instance } = wrapper as { readonly instance: Readonly<Record<string | symbol, unknown>> };
  if (typeof instance[metadata.property] === 'function') return [];
  return [`${label} is missing in what is provided for ${type.name}; give it a method ${String(metadata.property)}()`];
}

function stepViolations({ label, metadata }: FoundHandler): readonly string[] {
  if (metadata.kind === 'listener' || (metadata.step && sagaOf(metadata.step))) return [];
  return [
    `${label} is decorated for a step that no definition has; give the decorator a step of a saga, such as TaskAssignment.steps.assignUser${otherCopy(metadata.step)}`,
  ];
}

/** What is frozen like a step of a definition, and unknown, was made by another copy of this package. */
function otherCopy(step: unknown): string {
  if (typeof step !== 'object' || step === null || !('predecessors' in step) || !Object.isFrozen(step)) return '';
  return '; this one was made by another copy of nest-saga, so look with "npm ls nest-saga" for a second one';
}

function listenerViolations({ label, metadata }: FoundHandler, sagas: readonly SagaGraph[]): readonly string[] {
  if (metadata.kind !== 'listener') return [];
  const type = metadata.event?.type;
  if (type === undefined)
    return [`${label} listens to no event; give the decorator an event class, such as UserAssigned`];
  if (heardIn(sagas, type).length > 0) return [];
  return [
    `${label} listens to "${type}", which no saga known to this service emits; add its definition to SagaModule.forRoot({ sagas: [...] })`,
  ];
}

function sameListeners(handlers: readonly FoundHandler[]): readonly string[] {
  const names = handlers.flatMap((handler) =>
    handler.metadata.kind === 'listener' && handler.metadata.event
      ? [listenerName(handler, handler.metadata.event.type)]
      : [],
  );
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  return twice.map(
    (name) =>
      `there are ${names.filter((other) => other === name).length} listeners ${name}, and each event is for one of them only; give one a name of its own ({ name }), or provide the class once`,
  );
}

function duplicates(group: Handlers, decorator: string): readonly string[] {
  return [...group].flatMap(([step, handlers]) =>
    handlers.length > 1
      ? [`${named(step)} has ${handlers.length} ${decorator} methods (${handlers.map(placeOf).join(', ')}); keep one`]
      : [],
  );
}

function placeOf({ label, wrapper }: FoundHandler): string {
  return `${label} in ${wrapper.host?.name ?? 'no module'}`;
}

function missingCompensations(steps: Handlers, undos: Handlers): readonly string[] {
  return [...steps.keys()].flatMap((step) => {
    if (step.role !== 'compensatable' || step.kind !== 'compensatable' || step.nested || undos.has(step)) return [];
    return [
      `${named(step)} comes before the pivot "${sagaOf(step)!.commitPoint}" but this service has no @Compensates for it; add one, or declare the step readOnly`,
    ];
  });
}

function strayCompensations(steps: Handlers, undos: Handlers): readonly string[] {
  return [...undos].flatMap(([step, handlers]) => {
    const { label } = handlers[0]!;
    if (step.nested)
      return [`${label} compensates ${named(step)}, which is a saga of its own and undoes itself; remove it`];
    if (step.role !== 'compensatable' || step.kind === 'readOnly')
      return [`${label} compensates ${named(step)}, which is never undone (${step.kind}); remove it`];
    if (steps.has(step)) return [];
    return [`${label} compensates ${named(step)}, whose @SagaStep is not in this service; move both into one service`];
  });
}

function strayNested(steps: Handlers): readonly string[] {
  return [...steps.keys()].flatMap((step) => {
    const inner = step.nested?.saga;
    if (!inner || steps.has(inner.steps[inner.source]!)) return [];
    return [
      `${named(step)} is the saga "${inner.name}", whose first step "${inner.source}" is not in this service; move both into one service`,
    ];
  });
}

function sameNames(sagas: readonly SagaGraph[]): readonly string[] {
  const same = (saga: SagaGraph) => (other: SagaGraph) => other.name === saga.name && other.version === saga.version;
  const twice = sagas.filter((saga, index) => sagas.findIndex(same(saga)) !== index);
  return twice.map(
    (saga) =>
      `two definitions are version ${saga.version} of saga "${saga.name}"; give the later one a version of its own: defineSaga(name, steps, { version: ${saga.version + 1} })`,
  );
}
