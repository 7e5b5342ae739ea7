import type { StepSpec } from './step-spec.js';

export type Specs = Readonly<Record<string, StepSpec>>;

export function predecessorsOf(spec: StepSpec): readonly string[] {
  if (spec.after === undefined) return [];
  return typeof spec.after === 'string' ? [spec.after] : spec.after;
}

export function successorsOf(specs: Specs, name: string): readonly string[] {
  let known = successors.get(specs);
  if (!known) successors.set(specs, (known = successorsIn(specs)));
  return known.get(name) ?? [];
}

/** Found once for all: the checks ask for them again and again. Specs do not change. */
const successors = new WeakMap<Specs, ReadonlyMap<string, readonly string[]>>();

function successorsIn(specs: Specs): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const name of Object.keys(specs)) {
    for (const before of new Set(predecessorsOf(specs[name]!))) {
      const after = found.get(before);
      if (after) after.push(name);
      else found.set(before, [name]);
    }
  }
  return found;
}

/** Every step before `name`, at any distance. Safe on cycles and unknown names. */
export function ancestorsOf(specs: Specs, name: string): ReadonlySet<string> {
  return reach(name, (step) => (specs[step] ? predecessorsOf(specs[step]) : []));
}

/** Every step after `name`, at any distance. */
export function descendantsOf(specs: Specs, name: string): ReadonlySet<string> {
  return reach(name, (step) => successorsOf(specs, step));
}

/** The commit points: the declared pivots, or, where none is declared, the sinks. A sound saga has one. */
export function commitPointsOf(specs: Specs): readonly string[] {
  const pivots = Object.keys(specs).filter((name) => specs[name]!.kind === 'pivot');
  return pivots.length > 0 ? pivots : sinksOf(specs);
}

export function sinksOf(specs: Specs): readonly string[] {
  return Object.keys(specs).filter((name) => successorsOf(specs, name).length === 0);
}

export function sourcesOf(specs: Specs): readonly string[] {
  return Object.keys(specs).filter((name) => predecessorsOf(specs[name]!).length === 0);
}

function reach(from: string, next: (step: string) => readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...next(from)];
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    if (seen.has(step)) continue;
    seen.add(step);
    open.push(...next(step));
  }
  return seen;
}
