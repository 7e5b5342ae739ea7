import { sagaOf } from '../definition/define-saga.js';
import { eventFrom, eventType } from '../definition/domain-event.js';
import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import { SagaError } from '../protocol/errors.js';
import { defaultRetry, patientRetry, type RetryPolicy } from '../protocol/retry.js';
import type { BoundStep, StepContext } from '../flow/bound-step.js';
import type { Circuit } from '../ports/circuit.js';
import type { CircuitBreakers } from './circuit-breakers.js';
import { asListener, withCapture } from './current-step.js';
import type { FoundHandler } from './explorer.js';
import { heardIn } from './heard-events.js';
import type { SagaInvocation } from './invocation.js';
import type { SagaModuleOptions } from './saga.options.js';

/** All definitions that a service has to do with: those of its steps, and those it was given. */
export function knownSagas(handlers: readonly FoundHandler[], given: readonly SagaGraph[] = []): readonly SagaGraph[] {
  const own = handlers.flatMap(({ metadata }) =>
    metadata.kind !== 'listener' && metadata.step ? (sagaOf(metadata.step) ?? []) : [],
  );
  const nested = own.flatMap(({ steps }) => Object.values(steps).flatMap((step) => step.nested?.saga ?? []));
  return [...new Set([...own, ...nested, ...given])];
}

/** The service's steps and listeners, ready to be run. */
export function bindHandlers(
  handlers: readonly FoundHandler[],
  sagas: readonly SagaGraph[],
  invocation: SagaInvocation,
  circuits: CircuitBreakers,
  options: Pick<SagaModuleOptions, 'retry' | 'transaction'>,
): readonly BoundStep[] {
  const policy = (handler: FoundHandler | undefined, base = patientRetry): RetryPolicy =>
    policyOf(base, options, handler);
  const isAlone = (handler: FoundHandler): boolean =>
    (handler.metadata.options.transaction ?? options.transaction) === 'own';
  const bound = handlers.flatMap((handler): readonly BoundStep[] => {
    const { metadata } = handler;
    if (metadata.kind === 'listener')
      return bindListener(handler, sagas, invocation, { retry: policy(handler), isAlone: isAlone(handler) });
    if (metadata.kind !== 'step' || !metadata.step) return [];
    const node = metadata.step;
    const other = (kind: 'compensation' | 'resolution'): FoundHandler | undefined =>
      handlers.find((found) => found.metadata.kind === kind && found.metadata.step === node);
    const [undo, resolution] = [other('compensation'), other('resolution')];
    const circuit = circuits.of(node, 'step', metadata.options.circuit);
    const undoCircuit = undo && circuits.of(node, 'compensation', undo.metadata.options.circuit);
    return [
      {
        saga: sagaOf(node)!,
        node,
        run: answering(node, invocation.callOf(handler), circuit),
        ...(undo && { compensate: answering(node, invocation.callOf(undo), undoCircuit) }),
        ...(resolution && { resolve: answering(node, invocation.callOf(resolution)) }),
        changers: {
          step: invocation.changersOf(handler),
          compensation: undo ? invocation.changersOf(undo) : [],
        },
        retry: policy(handler, node.role === 'retriable' ? patientRetry : defaultRetry),
        undoRetry: policy(undo),
        ...(isAlone(handler) && { runsAlone: true }),
        ...(undo && isAlone(undo) && { undoneAlone: true }),
        ...(circuit && { circuit }),
        ...(undoCircuit && { undoCircuit }),
      },
    ];
  });
  return [...bound, ...commitSteps(bound, policy(undefined))];
}

/** The commit step of a saga that may be a step of another goes with its source: it waits for the word of that other, and alone it is done at once. */
function commitSteps(bound: readonly BoundStep[], retry: RetryPolicy): readonly BoundStep[] {
  return bound.flatMap(({ saga, node, hears }): readonly BoundStep[] => {
    if (hears || node.name !== saga.source || saga.commits !== 'withParent') return [];
    const commit = saga.steps[saga.commitPoint]!;
    const run = async (_input: unknown, { parent }: StepContext): Promise<unknown> =>
      parent ? undefined : eventFrom(commit.events.done, {});
    return [{ saga, node: commit, run, retry, undoRetry: retry }];
  });
}

type Call = ReturnType<SagaInvocation['callOf']>;

/** A method whose answer may be published too, behind its circuit. */
function answering(node: StepNode, call: Call, circuit?: Circuit) {
  return (given: unknown, context: StepContext): Promise<unknown> => {
    const method = (): Promise<unknown> => withCapture(node, () => call(given, publicContext(context)));
    return circuit ? circuit.run(method) : method();
  };
}

/** What a method's own policy says counts before the module's; of its rules for errors too. */
function policyOf(
  base: RetryPolicy,
  { retry }: Pick<SagaModuleOptions, 'retry'>,
  handler: FoundHandler | undefined,
): RetryPolicy {
  const own = handler?.metadata.options.retry;
  const on = [...(own?.on ?? []), ...(retry?.on ?? [])];
  return { ...base, ...retry, ...own, ...(on.length > 0 && { on }) };
}

/**
 * A listener has a fence row like a step, under its own name; it stands outside the graph and is repeated until it is done. A closing has two
 * types of events, the declared one and the one that the library makes: it is told of its own only.
 */
function bindListener(
  handler: FoundHandler,
  sagas: readonly SagaGraph[],
  invocation: SagaInvocation,
  { retry, isAlone }: { readonly retry: RetryPolicy; readonly isAlone: boolean },
): readonly BoundStep[] {
  const { metadata } = handler;
  if (metadata.kind !== 'listener' || !metadata.event) return [];
  const { type } = metadata.event;
  const call = invocation.callOf(handler);
  const name = listenerName(handler, type);
  return heardIn(sagas, type).map(({ saga, step, outcome }): BoundStep => ({
    saga,
    node: { ...step, name, role: 'retriable', external: false, predecessors: [step.name], successors: [] },
    run: (event, context) =>
      typeOf(event) === type ? asListener(name, () => call(event, publicContext(context))) : Promise.resolve(),
    retry,
    undoRetry: retry,
    ...(isAlone && { runsAlone: true }),
    hears: { step: step.name, outcome },
  }));
}

/** The name of its fence row: one method may listen to several events. */
export function listenerName({ label, metadata }: FoundHandler, type: string): string {
  return `${metadata.options.name ?? label}(${type})`;
}

function typeOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && eventType in event ? event[eventType] : undefined;
}

/** A context without a transaction says so when it is asked for one: that of an external step, and all of a store that is no database. */
function publicContext(context: StepContext): object {
  if ('manager' in context) return context;
  return Object.defineProperty({ ...context }, 'manager', {
    get() {
      throw new SagaError(
        'NO_TRANSACTION',
        `Step "${context.step}" runs outside any database transaction (effect: 'external', or a store that is no database), so it has no manager; write business rows in a step of its own.`,
        { sagaId: context.sagaId, step: context.step, retriable: false },
      );
    },
  });
}
