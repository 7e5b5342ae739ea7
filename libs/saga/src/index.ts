export type { ClosingData } from './definition/default-events.js';
export { DomainEvent, eventFrom, eventType, InvalidEventData } from './definition/domain-event.js';
export type { EventClass, EventInstance } from './definition/domain-event.js';
export { defineSaga } from './definition/define-saga.js';
export type { SagaOptions } from './definition/define-saga.js';
export { fingerprintOf } from './definition/fingerprint.js';
export { InvalidSagaDefinition } from './definition/checks.js';
export { mermaid } from './definition/mermaid.js';
export type { SagaDefinition, SagaGraph, Step, AwaitingStep, CompensatableStep } from './definition/saga-definition.js';
export type { OnDeadLetter, StepKind, StepSpec, UndoKind } from './definition/step-spec.js';
export { OutcomeUnknown, SagaError, StepPostponed, StepRejected } from './protocol/errors.js';
export type { Branches } from './protocol/branches.js';
export type { Cause } from './protocol/envelope.js';
export type { Parent } from './protocol/parent.js';
export type { Outcome } from './protocol/outcome.js';
export type { RetryPolicy, RetryRule } from './protocol/retry.js';
export type { Undecided } from './protocol/undecided.js';
export type { SagaStatus } from './protocol/saga-state.js';
export type { TopicNaming } from './protocol/topics.js';
export type { WireMessage } from './protocol/wire.js';
export type { TroubledStep } from './flow/failure/failing-steps.js';
export type { OutsideOptions, OutsideRecord, OutsideSettings } from './flow/outside-record.js';
export type { FlowSettings } from './flow/participant.js';
export type { InspectedSaga, Resolution } from './flow/operate/operate.js';
export type { OperatorAnswer, Said } from './flow/operate/operation.js';
export type { OperatorTarget } from './flow/operate/operator-target.js';
export { RetentionTooShort } from './flow/retention/retention.js';
export type { SignalAnswer, WhyNotWaiting } from './flow/time/signal.js';
export type { Started } from './flow/start.js';
export type { Joining, SignalOptions, StartOptions } from './nest/joining.js';
export type {
  AuditEntry,
  AuditFilter,
  AuditLog,
  NewAuditEntry,
  OperatorVerb,
  OperatorVerdict,
} from './ports/audit-log.js';
export type { Clock } from './ports/clock.js';
export type {
  DeadLetter,
  DeadLetters,
  LetterFilter,
  LetterKind,
  LetterSettlement,
  LetterSettling,
  NewDeadLetter,
} from './ports/dead-letters.js';
export type { FenceKey, FenceRow, Operated, ResolvedAs, StoredEvent } from './ports/fence-row.js';
export type { RunningTimer, Timer, TimerKey, TimerKind, Timers } from './ports/timers.js';
export type { LockHolder } from './ports/locks.js';
export { FenceConflict, OwnTransactionNeeded, StoreFailure, TransactionLost } from './ports/step-store.js';
export type {
  CallersTransaction,
  RunOptions,
  TransactionOptions,
  Changes,
  Outbox,
  OutboxMessage,
  StepStore,
  StorePhase,
  StepTransaction,
} from './ports/step-store.js';
export type { StoreRetention } from './ports/retention.js';
export { PublishFailed, TransportClosed } from './ports/transport.js';
export type {
  GroupStanding,
  IncomingRecord,
  RecordLifetimes,
  Standing,
  Subscription,
  Transport,
  TransportContext,
  TransportFactory,
  TransportFinding,
  TransportHealth,
  Unpublished,
} from './ports/transport.js';
export { kafka } from './adapters/kafka/kafka-transport.js';
export type { Compression } from './adapters/kafka/kafka-codecs.js';
export type { KafkaOptions, TopicCreation } from './adapters/kafka/kafka-options.js';
export type { CircuitOptions } from './adapters/cockatiel/cockatiel-circuit.js';
export { inMemory } from './adapters/memory/memory-transport.js';
export { outsideStep } from './adapters/typeorm/step-scope.js';
export { migrate as migrateSagaTables } from './adapters/typeorm/migrations.js';
export { Compensates, OnSagaEvent, Resolves, SagaStep } from './nest/decorators.js';
export type { HandlerOptions, ListenerOptions, TransactionSetting } from './nest/decorators.js';
export type { CircuitSetting, OpenCircuit } from './nest/circuit-breakers.js';
export { SagaModule } from './nest/saga.module.js';
export type { RetentionOptions, SagaModuleOptions } from './nest/saga.options.js';
export { SagaOperator } from './nest/saga-operator.js';
export { SagaServer } from './nest/saga.server.js';
export { Sagas } from './nest/sagas.js';
export { SemanticLocks } from './nest/semantic-locks.js';
export type { OnHeld } from './nest/semantic-locks.js';
export type { AbortOutcome } from './nest/abort-outcome.js';
export type { AbortAnswer } from './nest/sagas.js';
export type { SagaHealth } from './nest/saga-health.js';
export { InvalidSagaSetup } from './nest/setup-checks.js';
export type { CompensationContext, ListenerContext, StepContext } from './nest/step-context.js';
export { SagaTracker } from './tracker/saga-tracker.js';
export type { HistoryEntry, TrackedSaga } from './tracker/saga-tracker.js';
export { SagaTrackerModule } from './tracker/saga-tracker.module.js';
