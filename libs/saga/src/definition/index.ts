export { DomainEvent, eventFrom, eventType, InvalidEventData } from './domain-event.js';
export type { EventClass, EventInstance } from './domain-event.js';
export { defineSaga } from './define-saga.js';
export type { SagaOptions } from './define-saga.js';
export { fingerprintOf } from './fingerprint.js';
export { InvalidSagaDefinition } from './checks.js';
export { mermaid } from './mermaid.js';
export type { ClosingData } from './default-events.js';
export type {
  AwaitingStep,
  CompensatableStep,
  SagaDefinition,
  SagaGraph,
  Step,
  StepEvents,
  StepNode,
  StepRole,
  StepShape,
} from './saga-definition.js';
export type { OnDeadLetter, StepKind, StepSpec, UndoKind } from './step-spec.js';
