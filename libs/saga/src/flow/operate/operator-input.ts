import { eventFrom, InvalidEventData, type EventClass } from '../../definition/domain-event.js';
import type { StepNode } from '../../definition/saga-definition.js';
import type { LetterFilter, LetterKind } from '../../ports/dead-letters.js';
import type { ResolvedAs, StoredEvent } from '../../ports/fence-row.js';
import { SagaError } from '../../protocol/errors.js';
import { isUuid } from '../../protocol/uuid.js';
import type { Said } from './operation.js';

const longestActor = 200;
const longestReason = 1_000;
const mostLetters = 1_000;
const kinds: readonly LetterKind[] = ['compensation', 'undecided', 'record', 'version'];
const resolutions: readonly ResolvedAs[] = ['done', 'notDone', 'compensated'];

/** Half of a surrogate pair, or a control character: nothing that a person's name or reason has, and not every store could keep it. */
const unprintable = /[\p{Cs}\p{Cc}]/u;

/**
 * Who says what, of input that may come from anywhere.
 *
 * @throws SagaError `INVALID_WORD`, `INVALID_ACTOR`, `INVALID_REASON`
 */
export function saidOf(word: Said): Said {
  if (typeof word !== 'object' || (word as unknown) === null)
    throw invalid(
      'INVALID_WORD',
      `it is ${shown(word)}; give an object with what it is about, the actor and the reason`,
    );
  const { actor, reason } = word;
  return {
    actor: text('INVALID_ACTOR', 'the actor (who says it)', longestActor, actor),
    reason: text('INVALID_REASON', 'the reason', longestReason, reason),
  };
}

/** @throws SagaError `INVALID_SAGA_ID` */
export function sagaIdOf(value: unknown): string {
  return id('INVALID_SAGA_ID', 'a saga id', value);
}

/** @throws SagaError `INVALID_LETTER_ID` */
export function letterIdOf(value: unknown): string {
  return id('INVALID_LETTER_ID', 'the id of a dead letter', value);
}

/** @throws SagaError `INVALID_STEP` */
export function stepNameOf(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 500) return value;
  throw invalid('INVALID_STEP', `the step is ${shown(value)}; give the name of a step as its saga's definition has it`);
}

/** @throws SagaError `INVALID_RESOLUTION` */
export function resolvedAs(value: unknown): ResolvedAs {
  const found = resolutions.find((one) => one === value);
  if (found) return found;
  throw invalid('INVALID_RESOLUTION', `a step is resolved as ${resolutions.join(', ')}, not as ${shown(value)}`);
}

/** @throws SagaError `INVALID_FILTER` */
export function letterFilter(filter: Partial<LetterFilter>): LetterFilter {
  if (typeof filter !== 'object' || (filter as unknown) === null)
    throw invalid(
      'INVALID_FILTER',
      `it is ${shown(filter)}; give an object of state, kind, sagaId, sagaType, after, limit`,
    );
  const { state, kind, sagaId, sagaType, after, limit = 100 } = filter;
  const wrong = (what: string): SagaError => invalid('INVALID_FILTER', what);
  if (state !== undefined && state !== 'open' && state !== 'settled')
    throw wrong(`state is ${shown(state)}; letters are open or settled`);
  if (kind !== undefined && !kinds.includes(kind))
    throw wrong(`kind is ${shown(kind)}; it is one of ${kinds.join(', ')}`);
  if (!Number.isInteger(limit) || limit < 1 || limit > mostLetters)
    throw wrong(`limit is ${shown(limit)}; ask for 1 to ${mostLetters} letters`);
  if (sagaType !== undefined && (typeof sagaType !== 'string' || sagaType.includes('\0')))
    throw wrong(`sagaType is ${shown(sagaType)}; give the name of a saga`);
  return {
    limit,
    ...(state && { state }),
    ...(kind && { kind }),
    ...(sagaType !== undefined && { sagaType }),
    ...(sagaId !== undefined && { sagaId: sagaIdOf(sagaId) }),
    ...(after !== undefined && { after: letterIdOf(after) }),
  };
}

/**
 * The event that a person gives in the place of a step's method.
 *
 * @throws SagaError `INVALID_EVENT_DATA` when its schema does not take it; `EVENT_MISSING`
 */
export function eventOf(node: StepNode, as: ResolvedAs, data: unknown): StoredEvent | undefined {
  const { done, rejected, compensated } = node.events;
  const eventClass = { done, notDone: rejected, compensated }[as];
  if (data === undefined && as !== 'done') return undefined;
  if (data === undefined)
    throw invalid(
      'EVENT_MISSING',
      `step "${node.name}" of saga "${node.saga}" is resolved as done: give the data of its event "${done.type}"`,
      node,
    );
  if (as === 'notDone' && node.role === 'retriable')
    throw invalid(
      'EVENT_NOT_WANTED',
      `step "${node.name}" of saga "${node.saga}" must be done, so it has no event of not being done: leave the event out and it is attempted again`,
      node,
    );
  return built(node, eventClass, data);
}

function built(node: StepNode, eventClass: EventClass, data: unknown): StoredEvent {
  try {
    return { type: eventClass.type, data: eventFrom(eventClass, data) };
  } catch (error) {
    if (!(error instanceof InvalidEventData)) throw error;
    throw invalid('INVALID_EVENT_DATA', `${error.message} Nothing was changed`, node);
  }
}

function text(code: string, what: string, longest: number, value: unknown): string {
  if (typeof value !== 'string' || value.trim() === '')
    throw invalid(code, `${what} is missing: it is kept in the audit`);
  if (value.length > longest)
    throw invalid(code, `${what} has ${value.length} characters; at most ${longest} are kept`);
  if (unprintable.test(value)) throw invalid(code, `${what} has control characters; write it as one line of text`);
  return value.trim();
}

function id(code: string, what: string, value: unknown): string {
  if (typeof value === 'string' && isUuid(value)) return value.toLowerCase();
  throw invalid(code, `${shown(value)} is not ${what}: that is a UUID`);
}

function invalid(code: string, what: string, node?: StepNode): SagaError {
  return new SagaError(code, `The operator's word is not taken: ${what}.`, {
    retriable: false,
    ...(node && { step: node.name }),
  });
}

function shown(value: unknown): string {
  if (typeof value !== 'string') return typeof value === 'number' ? String(value) : `of type ${typeof value}`;
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
