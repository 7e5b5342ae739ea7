import * as mainExports from 'nest-saga';
import * as definitionExports from 'nest-saga/definition';
import * as testingExports from 'nest-saga/testing';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Names {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

/** What an index file exports: nothing but names, so its text tells all of them. */
function exportedBy(file: string): Names {
  const text = readFileSync(new URL(`../../libs/saga/src/${file}`, import.meta.url), 'utf8');
  const statements = [...text.matchAll(/^export (type )?\{([^}]*)\} from '[^']+';$/gm)];
  expect(text.replaceAll(/^export (type )?\{[^}]*\} from '[^']+';$/gm, '').trim()).toBe('');
  const names = (type: boolean): readonly string[] =>
    statements
      .filter(([, isType]) => (isType !== undefined) === type)
      .flatMap(([, , list]) => list!.split(','))
      .map((name) => name.trim().replace(/^.* as /, ''))
      .filter((name) => name !== '')
      .toSorted();
  return { values: names(false), types: names(true) };
}

const definition: Names = {
  values: [
    'DomainEvent',
    'InvalidEventData',
    'InvalidSagaDefinition',
    'defineSaga',
    'eventFrom',
    'eventType',
    'fingerprintOf',
    'mermaid',
  ],
  types: [
    'AwaitingStep',
    'ClosingData',
    'CompensatableStep',
    'EventClass',
    'EventInstance',
    'OnDeadLetter',
    'SagaDefinition',
    'SagaGraph',
    'SagaOptions',
    'Step',
    'StepEvents',
    'StepKind',
    'StepNode',
    'StepRole',
    'StepShape',
    'StepSpec',
    'UndoKind',
  ],
};

const main: Names = {
  values: [
    'Compensates',
    'DomainEvent',
    'FenceConflict',
    'InvalidEventData',
    'InvalidSagaDefinition',
    'InvalidSagaSetup',
    'OnSagaEvent',
    'OutcomeUnknown',
    'OwnTransactionNeeded',
    'PublishFailed',
    'Resolves',
    'RetentionTooShort',
    'SagaError',
    'SagaModule',
    'SagaOperator',
    'SagaServer',
    'SagaStep',
    'SagaTracker',
    'SagaTrackerModule',
    'Sagas',
    'SemanticLocks',
    'StepPostponed',
    'StepRejected',
    'StoreFailure',
    'TransactionLost',
    'TransportClosed',
    'defineSaga',
    'eventFrom',
    'eventType',
    'fingerprintOf',
    'inMemory',
    'kafka',
    'mermaid',
    'migrateSagaTables',
    'outsideStep',
  ],
  types: [
    'AbortAnswer',
    'AbortOutcome',
    'AuditEntry',
    'AuditFilter',
    'AuditLog',
    'AwaitingStep',
    'Cause',
    'Branches',
    'CallersTransaction',
    'Changes',
    'CircuitOptions',
    'CircuitSetting',
    'Clock',
    'ClosingData',
    'CompensatableStep',
    'CompensationContext',
    'Compression',
    'DeadLetter',
    'DeadLetters',
    'EventClass',
    'EventInstance',
    'FenceKey',
    'FenceRow',
    'FlowSettings',
    'GroupStanding',
    'HandlerOptions',
    'HistoryEntry',
    'IncomingRecord',
    'Joining',
    'KafkaOptions',
    'LetterFilter',
    'LetterKind',
    'LetterSettlement',
    'LetterSettling',
    'ListenerContext',
    'ListenerOptions',
    'NewAuditEntry',
    'NewDeadLetter',
    'OnDeadLetter',
    'InspectedSaga',
    'Operated',
    'OperatorAnswer',
    'OperatorTarget',
    'OperatorVerb',
    'OperatorVerdict',
    'LockHolder',
    'OnHeld',
    'OpenCircuit',
    'Outbox',
    'OutboxMessage',
    'Outcome',
    'OutsideOptions',
    'OutsideRecord',
    'OutsideSettings',
    'Parent',
    'Resolution',
    'ResolvedAs',
    'RecordLifetimes',
    'RetentionOptions',
    'RetryPolicy',
    'RunOptions',
    'TransactionOptions',
    'TransactionSetting',
    'RetryRule',
    'RunningTimer',
    'Said',
    'SagaDefinition',
    'SagaGraph',
    'SagaHealth',
    'SagaModuleOptions',
    'SagaOptions',
    'SagaStatus',
    'SignalAnswer',
    'SignalOptions',
    'Started',
    'Standing',
    'StartOptions',
    'Step',
    'StepContext',
    'StepKind',
    'StepSpec',
    'StepStore',
    'StepTransaction',
    'StorePhase',
    'StoreRetention',
    'StoredEvent',
    'Subscription',
    'Timer',
    'TimerKey',
    'TimerKind',
    'Timers',
    'TopicCreation',
    'TopicNaming',
    'TrackedSaga',
    'Transport',
    'TransportContext',
    'TransportFactory',
    'TransportFinding',
    'TransportHealth',
    'UndoKind',
    'TroubledStep',
    'Undecided',
    'Unpublished',
    'WhyNotWaiting',
    'WireMessage',
  ].toSorted(),
};

const testing: Names = {
  values: ['MemoryStore', 'businessStoreContract', 'storeContract', 'transportContract'],
  types: ['BusinessStoreHarness', 'StoreContractCase', 'StoreHarness', 'TransportContractCase', 'TransportHarness'],
};

/** A name that is added, lost or renamed here is a change of the public API: for the changelog. */
describe.each([
  ['nest-saga', 'index.ts', mainExports, main],
  ['nest-saga/definition', 'definition/index.ts', definitionExports, definition],
  ['nest-saga/testing', 'testing/index.ts', testingExports, testing],
] as const)('%s', (_specifier, file, exported, names) => {
  test('exports these names and no others', () => {
    expect(exportedBy(file)).toEqual(names);
  });

  test('has at run time what it says it exports', () => {
    expect(Object.keys(exported).toSorted()).toEqual(names.values);
  });
});
