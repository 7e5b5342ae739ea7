import type { SagaGraph } from '../definition/saga-definition.js';
import { unlikeJson } from '../definition/unlike-json.js';
import { SagaError } from '../protocol/errors.js';
import { unfitAttribute } from '../protocol/wire.js';
import { carried } from './carried.js';
import type { StartOptions } from './start.js';

const longestKey = 1_024;

/**
 * Options of a start may come straight from a request.
 *
 * @throws SagaError `INVALID_START_OPTIONS`, `INVALID_START_KEY`, `INVALID_CORRELATION_ID`
 */
export function checkedOptions(options: StartOptions | null | undefined): StartOptions {
  if (options !== undefined && (typeof options !== 'object' || Array.isArray(options)))
    throw new SagaError(
      'INVALID_START_OPTIONS',
      `The options of a start are of type ${Array.isArray(options) ? 'list' : typeof options}; give { key, correlationId, manager }, or leave them out.`,
    );
  const { key, correlationId }: { readonly key?: unknown; readonly correlationId?: unknown } = options ?? {};
  if (key !== undefined) checkedKey(key);
  const wrongId = correlationId === undefined ? undefined : unfitId(correlationId);
  if (wrongId !== undefined)
    throw new SagaError(
      'INVALID_CORRELATION_ID',
      `The correlation id of a start ${wrongId}; it travels in a header of every event. Give another, or leave it out.`,
    );
  return options ?? {};
}

/** @throws SagaError `INVALID_START_KEY` */
export function checkedKey(key: unknown): string {
  const wrong = unfitKey(key);
  if (wrong === undefined) return key as string;
  throw new SagaError('INVALID_START_KEY', `The key of a start ${wrong}; give a business key, or leave it out.`);
}

function unfitKey(key: unknown): string | undefined {
  if (typeof key !== 'string') return 'is no text';
  if (key === '') return 'is empty';
  if (key.length > longestKey) return `has ${key.length} characters, ${longestKey} are the most`;
  return /\p{Cs}/u.test(key) ? 'holds half of a surrogate pair' : undefined;
}

function unfitId(id: unknown): string | undefined {
  if (typeof id !== 'string') return 'is no text';
  return id === '' ? 'is empty' : unfitAttribute(id);
}

/**
 * A start's input is kept when its source works outside the database or is attempted again, and its schema is not applied a second time: it has to be what
 * JSON can carry, and the same when it comes back. An object of a class comes back as its fields.
 *
 * @throws SagaError `START_INPUT_TOO_LARGE`, `INVALID_START_INPUT`
 */
export function refuseUnfitInput(saga: SagaGraph, input: unknown, mostBytes: number): void {
  if (input === undefined) return;
  const kept = carried(input, mostBytes);
  const tooLarge = 'refused' in kept && kept.refused === 'tooLarge';
  const why = 'refused' in kept ? kept.why : whyOther(input);
  if (why === undefined) return;
  throw new SagaError(
    tooLarge ? 'START_INPUT_TOO_LARGE' : 'INVALID_START_INPUT',
    `Saga "${saga.name}" cannot start with this input: ${why}.${tooLarge ? ' Keep large data elsewhere and name it in the input, or raise settings.maxEventBytes.' : ''}`,
    { step: saga.source, retriable: false },
  );
}

function whyOther(input: unknown): string | undefined {
  const found = unlikeJson(input, 'byFields');
  return found && [found.path.join('.'), found.why].filter((part) => part !== '').join(': ');
}
