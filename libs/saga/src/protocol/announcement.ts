import type { StepOutline } from '../definition/fingerprint.js';

/** What one replica of a service tells the others of itself. */
export interface Announcement {
  readonly service: string;
  readonly replica: string;
  /** What it is, for people: `dist/main.js on pod-7`. */
  readonly program: string;
  /** The definitions that it knows, with their graphs. */
  readonly sagas: readonly AnnouncedSaga[];
  readonly steps: readonly BoundPlace[];
  readonly listeners: readonly AnnouncedListener[];
  /** The steps, as `order@1/charge`, that it takes nothing new for. */
  readonly handsOver: readonly string[];
  /** It has stopped, and may come back. */
  readonly left: boolean;
}

export interface AnnouncedSaga {
  readonly name: string;
  readonly version: number;
  readonly graph: string;
  readonly outline: readonly StepOutline[];
}

/** A step of a version of a saga that a service has a method for. */
export interface BoundPlace {
  readonly saga: string;
  readonly version: number;
  readonly step: string;
}

/** A listener of a service; `step` is its name, `hears` the step and the outcome that it hears, as `charge/done`. */
export interface AnnouncedListener extends BoundPlace {
  readonly hears: string;
}

/** `order@1/charge`; no name of a saga has an "@". */
export function placeKey({ saga, version, step }: BoundPlace): string {
  return `${saga}@${version}/${step}`;
}

/** Raised when what is announced changes so that this release could not read it. */
const format = 1;

export function announcementText(announcement: Announcement): string {
  return JSON.stringify({ format, ...announcement });
}

/** Nothing for what is no announcement of this format: a later release may say it otherwise, and everybody may post. */
export function announcementFrom(text: string): Announcement | undefined {
  const given = parsed(text);
  if (given?.['format'] !== format) return undefined;
  const { service, replica, program, sagas, steps, listeners, handsOver, left } = given;
  const isSound =
    [service, replica, program].every((value) => typeof value === 'string') &&
    isList(sagas, (one) => has(one, ['name', 'graph']) && isList(one['outline'], isOutline)) &&
    isList(steps, (one) => has(one, ['saga', 'step'])) &&
    isList(listeners, (one) => has(one, ['saga', 'step', 'hears'])) &&
    Array.isArray(handsOver) &&
    typeof left === 'boolean';
  return isSound ? (given as unknown as Announcement) : undefined;
}

function isOutline(one: Readonly<Record<string, unknown>>): boolean {
  return has(one, ['name', 'role', 'kind', 'onDeadLetter', 'nested']) && Array.isArray(one['after']) && Array.isArray(one['events']); // prettier-ignore
}

function has(one: Readonly<Record<string, unknown>>, texts: readonly string[]): boolean {
  return texts.every((name) => typeof one[name] === 'string');
}

function isList(list: unknown, fits: (one: Readonly<Record<string, unknown>>) => boolean): boolean {
  return Array.isArray(list) && list.every((one: unknown) => isObject(one) && fits(one));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
