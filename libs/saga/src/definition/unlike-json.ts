import { deepest, isPlain, isPlainList, isScalar } from './json-data.js';

/** Something that JSON does not carry as it is: where, and what to write instead. */
export interface UnlikeJson {
  readonly path: readonly string[];
  readonly why: string;
}

type Instances = 'refused' | 'byFields';

/**
 * The first thing in some data that JSON would drop or change; nothing when all of it arrives. A field that is undefined is as good as absent.
 *
 * @param instances `byFields`: objects of a class that are no more than their fields pass, as those that a validation pipe makes
 */
export function unlikeJson(
  value: unknown,
  instances: Instances = 'refused',
  path: readonly string[] = [],
): UnlikeJson | undefined {
  if (isScalar(value) || Object.is(value, -0)) return undefined;
  if (typeof value !== 'object' || value === null) return { path, why: whyNoScalar(value) };
  if (path.length > deepest)
    return { path: path.slice(0, 3), why: `is nested over ${deepest} levels deep, or in itself` };
  const why = Array.isArray(value) ? whyNoList(value) : whyNoObject(value, instances);
  if (why !== undefined) return { path, why };
  for (const name of Object.keys(value)) {
    const inner = (value as Readonly<Record<string, unknown>>)[name];
    const found =
      inner === undefined && !Array.isArray(value) ? undefined : unlikeJson(inner, instances, [...path, name]);
    if (found) return found;
  }
  return undefined;
}

function whyNoScalar(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return 'is a BigInt, which JSON does not have; send it as a text';
    case 'number':
      return `is ${value}, which JSON turns into null; leave it out, or send a text`;
    case 'undefined':
      return 'is undefined in a list, which JSON turns into null; leave it out';
    default:
      return `is a ${typeof value}, which JSON leaves out; remove it`;
  }
}

function whyNoList(value: readonly unknown[]): string | undefined {
  return isPlainList(value) ? undefined : 'is a list with holes, or with more than its items; make a plain list of it';
}

function whyNoObject(value: object, instances: Instances): string | undefined {
  if (Object.getOwnPropertySymbols(value).length > 0)
    return 'has fields named by symbols, which JSON leaves out; remove them';
  if (isPlain(value)) return undefined;
  const kind = kindOf(value);
  if (kind === 'Object' && instances === 'byFields' && !('toJSON' in value)) return undefined;
  const remedy = remedies[kind] ?? 'make a plain object or a text of it';
  return `is ${named(value, kind)}, of which JSON makes something else; ${remedy}`;
}

const remedies: Readonly<Record<string, string>> = {
  Date: 'send its ISO text (toISOString())',
  Map: 'send a plain object (Object.fromEntries(...)) or a list of entries',
  Set: 'send a list ([...set])',
  Object: 'make a plain object of it ({ ...it }) or a text',
};

/** `Map`, `Date`, or `Object` for what is of a class of somebody's. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function named(value: object, kind: string): string {
  if (kind !== 'Object') return `a ${kind}`;
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? `an instance of ${made.name}` : 'an instance of a class';
}
