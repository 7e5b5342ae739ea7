import { sagaOf } from '../definition/define-saga.js';
import type { SagaGraph, StepNode } from '../definition/saga-definition.js';
import { SagaError } from '../protocol/errors.js';
import type { Outcome } from '../protocol/outcome.js';
import { defaultRetry, type RetryPolicy } from '../protocol/retry.js';
import type { BoundStep, StepContext } from '../flow/bound-step.js';
import { withCapture } from './current-step.js';
import type { FoundHandler } from './explorer.js';
import type { SagaInvocation } from './invocation.js';
import type { SagaModuleOptions } from './saga.options.js';

/** All definitions that a service has to do with: those of its steps, and those it was given. */
export function knownSagas(handlers: readonly FoundHandler[], given: readonly SagaGraph[] = []): readonly SagaGraph[] {
  const own = handlers.flatMap(({ metadata }) =>
    metadata.kind !== 'listener' && metadata.step ? (sagaOf(metadata.step) ?? []) : [],
  );
  return [...new Set([...own, ...given])];
}

/** The service's steps and listeners, ready to be run. */
export function bindHandlers(
  handlers: readonly FoundHandler[],
  sagas: readonly SagaGraph[],
  invocation: SagaInvocation,
  options: Pick<SagaModuleOptions, 'retry'>,
): readonly BoundStep[] {
  const policy = (handler: FoundHandler | undefined): RetryPolicy => ({
    ...defaultRetry,
    ...options.retry,
    ...handler?.metadata.options.retry,
  });
  return handlers.flatMap((handler): readonly BoundStep[] => {
    const { metadata } = handler;
    if (metadata.kind === 'listener') return bindListener(handler, sagas, invocation, policy(handler));
    if (metadata.kind !== 'step' || !metadata.step) return [];
    const node = metadata.step;
    const undo = handlers.find(({ metadata: other }) => other.kind === 'compensation' && other.step === node);
    const call = invocation.callOf(handler);
    const undoCall = undo && invocation.callOf(undo);
    return [
      {
        saga: sagaOf(node)!,
        node,
        run: (input, context) => withCapture(node, () => call(input, publicContext(context))),
        ...(undoCall && {
          compensate: (done: object, context: StepContext) =>
            withCapture(node, () => undoCall(done, publicContext(context))),
        }),
        retry: policy(handler),
        undoRetry: policy(undo),
      },
    ];
  });
}

/** A listener has a fence row like a step, under its own name; it stands outside the graph and is repeated until it is done. */
function bindListener(
  handler: FoundHandler,
  sagas: readonly SagaGraph[],
  invocation: SagaInvocation,
  retry: RetryPolicy,
): readonly BoundStep[] {
  if (handler.metadata.kind !== 'listener') return [];
  const { type } = handler.metadata.event;
  const call = invocation.callOf(handler);
  return sagas.flatMap((saga) =>
    Object.values(saga.steps).flatMap((step) =>
      outcomesNamed(step, type).map((outcome): BoundStep => {
        const node: StepNode = {
          ...step,
          name: handler.label,
          role: 'retriable',
          external: false,
          predecessors: [step.name],
          successors: [],
        };
        return {
          saga,
          node,
          run: (event, context) => call(event, publicContext(context)),
          retry,
          undoRetry: retry,
          hears: { step: step.name, outcome },
        };
      }),
    ),
  );
}

function outcomesNamed({ events }: StepNode, type: string): readonly Outcome[] {
  return (['done', 'rejected', 'compensated', 'cancelled'] as const).filter((outcome) => events[outcome].type === type);
}

/** The context of an external step has no transaction, and says so when it is asked for one. */
function publicContext(context: StepContext): object {
  if ('manager' in context) return context;
  return Object.defineProperty({ ...context }, 'manager', {
    get() {
      throw new SagaError(
        'NO_TRANSACTION',
        `Step "${context.step}" runs outside any transaction (effect: 'external'), so it has no manager; write business rows in a step of its own.`,
        { sagaId: context.sagaId, step: context.step, retriable: false },
      );
    },
  });
}
