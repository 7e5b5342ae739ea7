import { AsyncLocalStorage } from 'node:async_hooks';
import { eventType } from '../definition/domain-event.js';
import type { StepNode } from '../definition/saga-definition.js';
import { SagaError } from '../protocol/errors.js';

interface Scope {
  readonly step: StepNode;
  readonly captured: object[];
}

const storage = new AsyncLocalStorage<Scope>();

/** The step whose method is running, if one is. */
export function currentStep(): StepNode | undefined {
  return storage.getStore()?.step;
}

/** Takes an event that was published inside a step, when it is one of the step's own: it is the step's answer, as if it had been returned. */
export function capture(event: unknown): boolean {
  const scope = storage.getStore();
  if (!scope || typeof event !== 'object' || event === null || !(eventType in event)) return false;
  const { done, rejected, compensated } = scope.step.events;
  if (![done, rejected, compensated].some(({ type }) => type === event[eventType])) return false;
  scope.captured.push(event);
  return true;
}

/**
 * Runs a step's method; answers with what it returned, or with the event that it published.
 *
 * @throws SagaError `TWO_ANSWERS` when it did both, or published two
 */
export async function withCapture(step: StepNode, method: () => Promise<unknown>): Promise<unknown> {
  const scope: Scope = { step, captured: [] };
  const returned = await storage.run(scope, method);
  const answers = [...new Set(returned === undefined ? scope.captured : [returned, ...scope.captured])];
  if (answers.length <= 1) return answers[0];
  throw new SagaError(
    'TWO_ANSWERS',
    `Step "${step.name}" of saga "${step.saga}" gave ${answers.length} events; return one, or publish one inside the step.`,
    { step: step.name, retriable: false },
  );
}
