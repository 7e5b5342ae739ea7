import { AsyncLocalStorage } from 'node:async_hooks';
import { eventType, type EventClass } from '../definition/domain-event.js';
import type { StepNode } from '../definition/saga-definition.js';
import { SagaError } from '../protocol/errors.js';

interface Scope {
  readonly name: string;
  /** The events that are the step's answer when it publishes them. */
  readonly answers: readonly Pick<EventClass, 'type'>[];
  readonly captured: object[];
  ended: boolean;
}

const storage = new AsyncLocalStorage<Scope>();

/** The step or listener whose method is running, if one is. What a method left running after its end is not in it any more. */
export function currentStep(): string | undefined {
  return openScope()?.name;
}

/** @throws SagaError `START_INSIDE_STEP` when a step or a listener is running */
export function refuseInsideStep(saga: string): void {
  const step = currentStep();
  if (step === undefined) return;
  throw new SagaError(
    'START_INSIDE_STEP',
    `Saga "${saga}" cannot be started inside "${step}": it would not be undone with it. Let the event that "${step}" emits start it: createTask: { on: SomeEvent, ... }.`,
    { step, retriable: false },
  );
}

/** @throws SagaError `SIGNAL_INSIDE_STEP` when a step or a listener is running: its transaction would wait for the signal, and the signal for it */
export function refuseSignalInsideStep({ name, saga }: StepNode): void {
  const step = currentStep();
  if (step === undefined) return;
  throw new SagaError(
    'SIGNAL_INSIDE_STEP',
    `Step "${name}" of saga "${saga}" cannot be signaled inside "${step}", which may be rolled back; signal it after "${step}" has committed, such as in a handler of the event that it emits.`,
    { step, retriable: false },
  );
}

/** @throws SagaError `ABORT_INSIDE_STEP` when a step or a listener is running and its own transaction was to be joined */
export function refuseAbortWithStep(): void {
  const step = currentStep();
  if (step === undefined) return;
  throw new SagaError(
    'ABORT_INSIDE_STEP',
    `The abort of a saga cannot join the transaction of "${step}", which is that of its saga; leave the manager out, or throw a StepRejected to close the saga of "${step}" itself.`,
    { step, retriable: false },
  );
}

/** Takes an event that was published inside a step, when it is one of the step's own: it is the step's answer, as if it had been returned. */
export function capture(event: unknown): boolean {
  const scope = openScope();
  if (!scope || typeof event !== 'object' || event === null || !(eventType in event)) return false;
  if (!scope.answers.some(({ type }) => type === event[eventType])) return false;
  scope.captured.push(event);
  return true;
}

/**
 * Runs a step's method; answers with what it returned, or with the event that it published.
 *
 * @throws SagaError `TWO_ANSWERS` when it did both, or published two
 */
export async function withCapture(step: StepNode, method: () => Promise<unknown>): Promise<unknown> {
  const { done, rejected, compensated } = step.events;
  const scope: Scope = { name: step.name, answers: [done, rejected, compensated], captured: [], ended: false };
  const returned = await inScope(scope, method);
  if (scope.captured.length === 0) return returned;
  const answers = [...new Set(returned === undefined ? scope.captured : [returned, ...scope.captured])];
  if (answers.length <= 1) return answers[0];
  throw new SagaError(
    'TWO_ANSWERS',
    `Step "${step.name}" of saga "${step.saga}" gave ${answers.length} events; return one, or publish one inside the step.`,
    { step: step.name, retriable: false },
  );
}

/** Runs a listener's method. Whatever it publishes is no answer. */
export function asListener(name: string, method: () => Promise<unknown>): Promise<unknown> {
  return inScope({ name, answers: [], captured: [], ended: false }, method);
}

async function inScope(scope: Scope, method: () => Promise<unknown>): Promise<unknown> {
  try {
    return await storage.run(scope, method);
  } finally {
    scope.ended = true;
  }
}

function openScope(): Scope | undefined {
  const scope = storage.getStore();
  return scope?.ended ? undefined : scope;
}
