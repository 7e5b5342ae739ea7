import type { SagaGraph, StepNode } from './saga-definition.js';

/** What the participants of a saga must agree about in a step: what it is not alone to decide. */
export interface StepOutline {
  readonly name: string;
  readonly role: string;
  readonly kind: string;
  /** The steps that it follows, sorted. */
  readonly after: readonly string[];
  /** The types of its events: done, rejected, compensated, cancelled, and skipped where it has `when`. */
  readonly events: readonly string[];
  readonly onDeadLetter: string;
  /** Whether it runs once for each branch. */
  readonly each: boolean;
  /** Whether it may be skipped. */
  readonly when: boolean;
  /** The saga that it is, as `payment@2`; empty for any other step. */
  readonly nested: string;
}

/** The steps of a definition, sorted by name; of the definition itself, not of the graph of one saga. */
export function outlineOf(saga: SagaGraph): readonly StepOutline[] {
  const steps = Object.values((saga.template ?? saga).steps);
  return steps.map(stepOutline).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function stepOutline({
  name,
  role,
  kind,
  predecessors,
  events,
  onDeadLetter,
  each,
  when,
  nested,
}: StepNode): StepOutline {
  const { done, rejected, compensated, cancelled, skipped } = events;
  return {
    name,
    role,
    kind,
    after: predecessors.toSorted(),
    events: [done, rejected, compensated, cancelled, ...(skipped ? [skipped] : [])].map(({ type }) => type),
    onDeadLetter,
    each: each !== undefined,
    when: when !== undefined,
    nested: nested ? `${nested.saga.name}@${nested.saga.version}` : '',
  };
}

const known = new WeakMap<SagaGraph, string>();

/**
 * Tells two graphs apart that go under one name and version, as `1:9f86d081884c7d65`. Before the colon is the algorithm: a fingerprint of another one cannot be
 * compared. The same in every process and release, whatever the order in which the definition was written down.
 */
export function fingerprintOf(saga: SagaGraph): string {
  const template = saga.template ?? saga;
  const found = known.get(template) ?? `1:${fnv1a(textOf(template))}`;
  known.set(template, found);
  return found;
}

/** Whether a text is a fingerprint that this release can compare with its own. */
export function isComparable(fingerprint: string): boolean {
  return /^1:[0-9a-f]{16}$/.test(fingerprint);
}

/** Lists, not objects: whoever adds a property to the outline of a step does not change what was fingerprinted before. */
function textOf(saga: SagaGraph): string {
  const steps = outlineOf(saga).map(({ name, role, kind, after, events, onDeadLetter, each, when, nested }) => [
    name,
    role,
    kind,
    after,
    events,
    onDeadLetter,
    each,
    when,
    nested,
  ]);
  return JSON.stringify([saga.name, saga.version, steps]);
}

const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** FNV-1a in 64 bits, of the text in UTF-8. It guards against mistakes, not against malice. */
function fnv1a(text: string): string {
  let hash = offsetBasis;
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime);
  return hash.toString(16).padStart(16, '0');
}

/** How two outlines of one saga differ, step by step, in words; `ours` is spoken of as "here", `theirs` as "there". */
export function differences(ours: readonly StepOutline[], theirs: readonly StepOutline[]): readonly string[] {
  const there = new Map(theirs.map((step) => [step.name, step]));
  const here = new Set(ours.map(({ name }) => name));
  return [
    ...ours.flatMap((step) => {
      const other = there.get(step.name);
      return other ? stepDifferences(step, other) : [`step "${step.name}" is here only`];
    }),
    ...theirs.filter(({ name }) => !here.has(name)).map(({ name }) => `step "${name}" is there only`),
  ];
}

function stepDifferences(here: StepOutline, there: StepOutline): readonly string[] {
  const told = (what: string, own: string, other: string): readonly string[] =>
    own === other ? [] : [`step "${here.name}" ${what} ${own} here and ${other} there`];
  const list = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.join(', '));
  return [
    ...told('comes after', list(here.after), list(there.after)),
    ...told('is', `${here.kind} (${here.role})`, `${there.kind} (${there.role})`),
    ...told('emits', list(here.events), list(there.events)),
    ...told('has onDeadLetter', here.onDeadLetter, there.onDeadLetter),
    ...told('runs', here.each ? 'for each branch' : 'once', there.each ? 'for each branch' : 'once'),
    ...told('runs', here.when ? 'under a condition' : 'always', there.when ? 'under a condition' : 'always'),
    ...told('is the saga', here.nested || 'none', there.nested || 'none'),
  ];
}
