import { InvalidEventData } from '../definition/domain-event.js';
import { OutcomeUnknown, SagaError, StepPostponed, StepRejected } from './errors.js';

const mostCharacters = 1_000;

/** A text as a header, a row and a log can carry it: at most `most` characters, none of them null or half of a pair. */
export function shortened(text: string, most = mostCharacters): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replaceAll(/\0|\p{Cs}/gu, '\uFFFD');
}

/** CloudEvents allows no control characters in an attribute; a reason is often the message of an error, which may have lines. */
export function onOneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

const cannotBeTold = 'something was thrown that cannot be told in words';

/**
 * What an error says, shortened: its message, or its name where it has none, and those of what caused it. Anything can be thrown: texts, objects without
 * a prototype, errors whose message is no text.
 */
export function reasonOf(error: unknown): string {
  return shortened(withCauses(error, new Set()).join('; caused by: '));
}

const mostCauses = 8;

/** Each text once: who wraps an error often repeats its message. */
function withCauses(error: unknown, seen: Set<unknown>): readonly string[] {
  seen.add(error);
  const texts = [textOf(error)];
  for (const cause of causesOf(error)) {
    if (seen.has(cause) || seen.size > mostCauses) continue;
    texts.push(...withCauses(cause, seen).filter((text) => !texts.some((told) => told.includes(text))));
  }
  return texts;
}

/** What an error says that it comes from: `cause`, and the `errors` of one that stands for several. */
export function causesOf(error: unknown): readonly unknown[] {
  try {
    if (!isErrorLike(error)) return [];
    const { cause, errors } = error;
    const several = Array.isArray(errors) ? errors.filter(isErrorLike) : [];
    return cause === undefined || cause === null ? several : [cause, ...several];
  } catch {
    return [];
  }
}

interface ErrorLike {
  readonly name?: unknown;
  readonly message: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  readonly code?: unknown;
  readonly table?: unknown;
  readonly constraint?: unknown;
  readonly getResponse?: unknown;
  readonly response?: unknown;
}

/** Also one of another realm, or of a driver that makes its own. */
function isErrorLike(thrown: unknown): thrown is ErrorLike {
  return thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown);
}

function textOf(thrown: unknown): string {
  try {
    if (isErrorLike(thrown)) return errorText(thrown);
    if (typeof thrown === 'object' && thrown !== null) return objectText(thrown);
    return String(thrown).trim() === '' ? 'an empty text was thrown' : String(thrown);
  } catch {
    return cannotBeTold;
  }
}

function errorText(error: ErrorLike): string {
  const message = String(responseOf(error) ?? error.message);
  const text = message.trim() === '' ? nameOf(error) : message;
  const facts = factsOf(error, text);
  return facts.length > 0 ? `${text} (${facts.join(', ')})` : text;
}

function nameOf(error: ErrorLike): string {
  const { name } = error;
  return typeof name !== 'string' || name === '' || name === 'Error' ? error.constructor.name || 'Error' : name;
}

/** Nest's HTTP errors say what is wrong, such as every violation of a body, in their response. */
function responseOf({ getResponse, response }: ErrorLike): string | undefined {
  if (typeof getResponse !== 'function') return undefined;
  const said: unknown =
    typeof response === 'object' && response !== null && 'message' in response ? response.message : response;
  if (Array.isArray(said)) return said.map(String).join('; ');
  return typeof said === 'string' && said !== '' ? said : undefined;
}

/** What a driver tells beside its message. Not the detail of Postgres, which has the values of rows; and the library's messages need no code. */
function factsOf(error: ErrorLike, text: string): readonly string[] {
  const { code, table, constraint } = error;
  const isOurs = [SagaError, StepRejected, StepPostponed, OutcomeUnknown, InvalidEventData].some(
    (type) => error instanceof type,
  );
  if (isOurs || typeof code !== 'string' || text.includes(code)) return [];
  const named = /^[0-9A-Z]{5}$/.test(code) ? { code, table, constraint } : { code };
  return Object.entries(named).flatMap(([name, value]) =>
    typeof value === 'string' && value !== '' ? [`${name} ${value}`] : [],
  );
}

function objectText(thrown: object): string {
  const name: unknown = thrown.constructor.name;
  const what = typeof name === 'string' && name !== '' && name !== 'Object' ? `an instance of ${name}` : 'an object';
  const json: unknown = JSON.stringify(thrown);
  return typeof json === 'string' && json !== '{}' ? shortened(json, 300) : `${what} was thrown, which is no error`;
}
