import { eventFrom, eventType, type EventClass, type EventInstance } from '../definition/domain-event.js';
import { keptEventFrom } from '../definition/outside-data.js';
import type { StepNode } from '../definition/saga-definition.js';
import { branchStep } from '../protocol/branches.js';
import type { Cause } from '../protocol/envelope.js';
import { SagaError } from '../protocol/errors.js';
import { shortened } from '../protocol/reason.js';
import type { FenceRow, StoredEvent } from '../ports/fence-row.js';
import type { BoundStep, CompensationContext, StepContext } from './bound-step.js';
import { wasSkipped } from './conditional.js';
import type { StepResult } from './delivery.js';

/** Nobody said why: the saga closes because somebody asked for it. */
const noCause: Cause = { step: '', reason: 'unknown' };

/**
 * Runs a step's method once.
 *
 * @throws whatever the method throws, and `SagaError` when it answers with something that is no event of its step
 */
export async function attemptStep(
  bound: BoundStep,
  row: FenceRow,
  input: unknown,
  manager?: unknown,
): Promise<StepResult> {
  return resultOf(bound, row, await bound.run(input, contextOf(bound, row, 'step', manager)));
}

/** The same for a step that awaits a signal: nothing when its method leaves the answer to it. */
export async function attemptOrWait(
  bound: BoundStep,
  row: FenceRow,
  input: unknown,
  manager: unknown,
): Promise<StepResult | undefined> {
  const answer = await bound.run(input, contextOf(bound, row, 'step', manager));
  return answer === undefined ? undefined : resultOf(bound, row, answer);
}

/** Runs the method of a step that is a saga of its own: what that one starts with. */
export function startInput(bound: BoundStep, row: FenceRow, input: unknown, manager: unknown): Promise<unknown> {
  return bound.run(input, contextOf(bound, row, 'step', manager));
}

function resultOf(bound: BoundStep, row: FenceRow, answer: unknown): StepResult {
  const { node } = bound;
  if (bound.hears) return { type: 'effectRecorded', event: { type: '', data: {} } };
  const type = typeOf(answer);
  if (type === node.events.done.type) return { type: 'effectRecorded', event: stored(answer) };
  const mayReject = node.role !== 'retriable';
  if (mayReject && type === node.events.rejected.type) return { type: 'rejected', event: stored(answer) };
  throw wrongAnswer(node, row, answer, `Step "${node.name}"`, answersOf(node), bound.changers?.step);
}

/**
 * Asks once what became of a step's earlier attempts.
 *
 * @returns nothing when it did not happen
 * @throws whatever the method throws: then it is not known yet
 */
export async function attemptResolution(
  bound: BoundStep,
  row: FenceRow,
  input: unknown,
): Promise<StepResult | undefined> {
  const answer = await bound.resolve!(input, contextOf(bound, row, 'step', undefined));
  return answer === undefined ? undefined : resultOf(bound, row, answer);
}

/** A rejection that no event of the user's describes: the step's default event. */
export function rejectedBy(node: StepNode, reason: string): StepResult {
  const closing = eventFrom(node.events.defaults.rejected, { failedStep: node.name, reason: shortened(reason) });
  return { type: 'rejected', event: stored(closing) };
}

/** Undoes a step once. A read-only step has nothing to undo and no method, and a skipped one did nothing. */
export async function attemptCompensation(bound: BoundStep, row: FenceRow, manager?: unknown): Promise<StepResult> {
  const { node } = bound;
  const cause = row.cause ?? noCause;
  if (wasSkipped(bound, row)) return { type: 'undone', event: stored(undoneBy(node, cause)) };
  const context: CompensationContext = { ...contextOf(bound, row, 'compensation', manager), cause };
  const done = row.result && eventFrom(node.events.done, row.result.data);
  const answer = bound.compensate && done ? await bound.compensate(done, context) : undefined;
  const undone = answer ?? undoneBy(node, cause);
  const { compensated, defaults } = node.events;
  const hasOwn = compensated !== defaults.compensated;
  const isMissing = answer === undefined && bound.compensate && hasOwn;
  if (isMissing || ![compensated.type, defaults.compensated.type].includes(typeOf(undone)!)) {
    const wanted = hasOwn ? `a ${compensated.type}` : 'nothing';
    throw wrongAnswer(
      node,
      row,
      answer,
      `The compensation of step "${node.name}"`,
      `return ${wanted}`,
      bound.changers?.compensation,
    );
  }
  return { type: 'undone', event: stored(undone) };
}

function undoneBy(node: StepNode, { step, reason }: Cause): EventInstance {
  return eventFrom(node.events.defaults.compensated, { failedStep: step, reason });
}

/**
 * What a step's method is given: the event of its one predecessor, or its predecessors' events by step (of a fan-out by branch); a source takes its start
 * input as it came.
 */
export function inputOf(bound: BoundStep, row: FenceRow): unknown {
  const { saga } = bound;
  const event = (step: string): unknown => {
    const input = row.inputs[step];
    if (!input) return undefined;
    const { on } = bound.node;
    if (on?.type === input.type && step === bound.node.name) return keptEventFrom(on, input.data);
    const eventClass = classOfInput(bound, step, input.type);
    return eventClass ? eventFrom(eventClass, input.data) : input.data;
  };
  const given = (step: string): unknown => {
    if (!isFanOut(bound, step)) return event(step);
    const branches = row.headers.branches?.[step] ?? [];
    return Object.fromEntries(branches.map((branch) => [branch, event(branchStep(step, branch))]));
  };
  if (bound.hears) return event(bound.hears.step);
  const predecessors = declaredPredecessors(bound);
  if (predecessors.length === 0) return event(saga.source);
  if (predecessors.length === 1) return given(predecessors[0]!);
  return Object.fromEntries(predecessors.map((step) => [step, given(step)]));
}

/** Whether one event is all that the method is given. */
export function takesOneEvent(bound: BoundStep): boolean {
  if (bound.hears) return true;
  const predecessors = declaredPredecessors(bound);
  return predecessors.length === 0 || (predecessors.length === 1 && !isFanOut(bound, predecessors[0]!));
}

/** As the definition has them, whatever the graph of this saga made of them. */
function declaredPredecessors({ saga, node }: BoundStep): readonly string[] {
  return saga.template?.steps[node.branchOf?.step ?? node.name]?.predecessors ?? node.predecessors;
}

function isFanOut({ saga }: BoundStep, step: string): boolean {
  return saga.fanOuts.includes(step);
}

function classOfInput(bound: BoundStep, step: string, type: string): EventClass | undefined {
  const { events } = bound.saga.steps[step] ?? bound.node;
  const known = [
    events.done,
    events.rejected,
    events.compensated,
    events.cancelled,
    events.defaults.rejected,
    events.defaults.compensated,
  ];
  return known.find((candidate) => candidate?.type === type);
}

function contextOf(bound: BoundStep, row: FenceRow, kind: 'step' | 'compensation', manager: unknown): StepContext {
  const key = `${row.sagaId}:${row.step}`;
  return {
    sagaId: row.sagaId,
    step: row.step,
    branch: bound.node.branchOf?.branch ?? '',
    correlationId: row.headers.correlationId,
    ...(row.headers.parent && { parent: row.headers.parent }),
    attempt: row.attempts + 1,
    postponed: row.postponed ?? { times: 0 },
    idempotencyKey: kind === 'step' ? key : `${key}:undo`,
    ...(manager !== undefined && { manager }),
  };
}

function typeOf(answer: unknown): string | undefined {
  return typeof answer === 'object' && answer !== null && eventType in answer ? String(answer[eventType]) : undefined;
}

function stored(event: unknown): StoredEvent {
  return { type: typeOf(event)!, data: event as object };
}

/** What its author can answer: nobody but the library makes a default event. */
function answersOf({ role, events: { done, rejected, defaults } }: StepNode): string {
  const own = role !== 'retriable' && rejected !== defaults.rejected;
  const said = `return a ${done.type}${own ? ` or a ${rejected.type}` : ''}, or publish it on the event bus inside the step`;
  return role === 'retriable' || own ? said : `${said}; for a business no, throw a StepRejected`;
}

function wrongAnswer(
  node: StepNode,
  row: FenceRow,
  answer: unknown,
  who: string,
  remedy: string,
  changers: readonly string[] = [],
): SagaError {
  const unknown = answer instanceof Error ? 'an error, which is to be thrown' : 'something that is no event';
  const got = answer === undefined ? 'nothing' : (typeOf(answer) ?? unknown);
  const through =
    changers.length > 0
      ? ` Its answer passes through interceptors or filters (${changers.join(', ')}), which may have changed it: let them hand events on as they are.`
      : '';
  return new SagaError('WRONG_ANSWER', `${who} of saga "${node.saga}" answered with ${got}; ${remedy}.${through}`, {
    sagaId: row.sagaId,
    step: node.name,
    retriable: false,
  });
}
