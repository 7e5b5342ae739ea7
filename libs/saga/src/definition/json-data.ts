type Fields = Readonly<Record<string, unknown>>;

/** How deep data is looked at: beyond what participants take. */
export const deepest = 200;

/** An object that is only its fields. Any realm's `Object.prototype` will do: test runners and `vm` have realms of their own. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A list without holes, without names beside its items, and of no class of its own. */
export function isPlainList(value: readonly unknown[]): boolean {
  return Object.keys(value).length === value.length && isPlain(Object.getPrototypeOf(value) as object);
}

/** What JSON has, beside lists and objects; -0 it has not. */
export function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  return typeof value === 'string' || typeof value === 'boolean' || value === null;
}

/** Whether a value is nothing but what JSON has, and another one is its like. A quick look, as every event is looked at. */
export function isPlainTwin(value: unknown, other: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return value === other && isScalar(value);
  if (typeof other !== 'object' || other === null || depth > deepest) return false;
  if (Array.isArray(value)) return Array.isArray(other) && areTwinLists(value, other, depth);
  if (!isPlain(value) || !isPlain(other) || Object.getOwnPropertySymbols(value).length > 0) return false;
  const names = Object.keys(value);
  if (names.length !== Object.keys(other).length) return false;
  for (const name of names) {
    if (!isPlainTwin((value as Fields)[name], (other as Fields)[name], depth + 1)) return false;
  }
  return true;
}

function areTwinLists(value: readonly unknown[], other: readonly unknown[], depth: number): boolean {
  if (value.length !== other.length || !isPlainList(value)) return false;
  for (let index = 0; index < value.length; index += 1) {
    if (!isPlainTwin(value[index], other[index], depth + 1)) return false;
  }
  return true;
}

/**
 * Where two values differ; nothing when they are the same data: a field that is undefined counts as absent, -0 as 0, an object without a prototype
 * as any other. Two of one class are the same when they are written as the same JSON, and that is all there is to them.
 */
export function difference(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): readonly string[] | undefined {
  if (Object.is(before, after) || (before === 0 && after === 0)) return undefined;
  if (typeof before !== 'object' || before === null || typeof after !== 'object' || after === null) return path;
  const areLists = Array.isArray(before) && Array.isArray(after) && before.length === after.length;
  const arePlain = !Array.isArray(before) && !Array.isArray(after) && isPlain(before) && isPlain(after);
  if (!areLists && !arePlain) return isOneKind(before, after) ? undefined : path;
  if (Object.getOwnPropertySymbols(before).length > 0) return path;
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const found = difference((before as Fields)[name], (after as Fields)[name], [...path, name]);
    if (found) return found;
  }
  return undefined;
}

function isOneKind(before: object, after: object): boolean {
  if (Object.getPrototypeOf(before) !== Object.getPrototypeOf(after)) return false;
  const isWritten = 'toJSON' in before || Object.prototype.toString.call(before) === '[object Object]';
  return isWritten && JSON.stringify(before) === JSON.stringify(after);
}
