import type { Specs } from './graph.js';
import type { StepSpec } from './step-spec.js';

/** What `defineSaga` was given, read once: getters and proxies are asked no second time. */
export interface Given {
  readonly name: string;
  readonly specs: Specs;
  readonly version: number;
  readonly partitionBy?: string;
  readonly commits: 'alone' | 'withParent';
  /** As it was given: whether it is a time is checked with the other times. */
  readonly deadline?: number;
  /** Why the steps have not the shape of steps. */
  readonly shapeless: readonly string[];
  /** What is wrong beside them. */
  readonly violations: readonly string[];
}

const mostSteps = 200;
const latestVersion = 999_999_999;

/** The words of a step. */
const words = {
  kind: ['compensatable', 'pivot', 'retriable', 'readOnly'],
  undo: ['direct', 'semantic'],
  effect: ['external'],
  onDeadLetter: ['halt', 'continue'],
} as const;

/** Callers may be JavaScript, whom no compiler has told anything. */
export function given(name: unknown, steps: unknown, options: unknown): Given {
  const violations: string[] = [];
  if (typeof name !== 'string')
    violations.push(`its name is ${told(name)}; name it with a text, such as "task-assignment"`);
  const shapeless: string[] = [];
  const specs = specsOf(steps, shapeless);
  const { version = 1, partitionBy, deadline, commits = 'alone' } = recordOf(options ?? {}, 'its options', violations);
  if (!isVersion(version)) violations.push(`its version must be a whole number from 1 to ${latestVersion}`);
  if (partitionBy !== undefined && (typeof partitionBy !== 'string' || partitionBy === ''))
    violations.push(`its partitionBy is ${told(partitionBy)}; name a field of the source's event, or leave it out`);
  if (commits !== 'alone' && commits !== 'withParent')
    violations.push(`its commits is ${told(commits)}; use "alone" or "withParent"`);
  return {
    name: typeof name === 'string' ? clipped(name) : told(name),
    specs,
    version: isVersion(version) ? version : 1,
    ...(typeof partitionBy === 'string' && { partitionBy }),
    ...(deadline !== undefined && { deadline: deadline as number }),
    commits: commits === 'withParent' ? commits : 'alone',
    shapeless,
    violations,
  };
}

function isVersion(version: unknown): version is number {
  return Number.isSafeInteger(version) && (version as number) >= 1 && (version as number) <= latestVersion;
}

function specsOf(steps: unknown, violations: string[]): Specs {
  const all = Object.entries(recordOf(steps, 'its steps', violations));
  if (all.length > mostSteps)
    violations.push(`it has ${all.length} steps, ${mostSteps} are the most; divide it into several sagas`);
  const specs = Object.create(null) as Record<string, StepSpec>;
  for (const [name, spec] of all.slice(0, mostSteps)) {
    const place = `step "${clipped(name)}"`;
    specs[clipped(name)] = specOf(recordOf(spec, place, violations), place, violations);
  }
  return specs;
}

function specOf(spec: Readonly<Record<string, unknown>>, place: string, violations: string[]): StepSpec {
  for (const [word, known] of Object.entries<readonly unknown[]>(words)) {
    if (spec[word] !== undefined && !known.includes(spec[word]))
      violations.push(`${place}: its ${word} is ${told(spec[word])}; use ${known.map(told).join(' or ')}`);
  }
  const { after, input, when, result } = spec;
  if (input !== undefined && !isSchema(input))
    violations.push(`${place}: its input is no schema; use one of a Standard Schema library, such as zod`);
  if (when !== undefined && typeof when !== 'function')
    violations.push(`${place}: its when is ${told(when)}; give it a function of the step's input, or leave it out`);
  if (result !== undefined && typeof result !== 'function')
    violations.push(`${place}: its result is ${told(result)}; give it a function of the nested saga's last event`);
  const names = namesIn(after);
  if (after !== undefined && names === undefined)
    violations.push(`${place}: its after is ${told(after)}; name a step, or list up to ${mostSteps} names of steps`);
  return { ...spec, after: names } as unknown as StepSpec;
}

function namesIn(after: unknown): string | readonly string[] | undefined {
  if (typeof after === 'string') return clipped(after);
  try {
    if (!Array.isArray(after) || after.length > mostSteps) return undefined;
    const names: readonly unknown[] = [...(after as readonly unknown[])];
    return names.every((name) => typeof name === 'string') ? names.map(clipped) : undefined;
  } catch {
    return undefined;
  }
}

function isSchema(candidate: unknown): boolean {
  try {
    const standard = (candidate as { readonly '~standard'?: { readonly validate?: unknown } })['~standard'];
    return typeof standard?.validate === 'function';
  } catch {
    return false;
  }
}

function recordOf(candidate: unknown, what: string, violations: string[]): Readonly<Record<string, unknown>> {
  try {
    if (typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)) return { ...candidate };
    violations.push(`${what}: expected an object, got ${told(candidate)}`);
  } catch {
    violations.push(`${what}: it cannot be read, a getter or a proxy of it throws`);
  }
  return {};
}

/** A name that is too long stays too long, and is told in a line. */
function clipped(name: string): string {
  return name.slice(0, 101);
}

/** A value in a message. */
function told(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `"${value.slice(0, 100)}"`;
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
      return 'a function';
    default:
      return String(value);
  }
}
