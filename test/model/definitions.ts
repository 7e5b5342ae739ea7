import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  defineSaga,
  DomainEvent,
  type OnDeadLetter,
  type SagaGraph,
  type StepKind,
} from '../../libs/saga/src/definition/index.js';
import type { Branches } from '../../libs/saga/src/protocol/branches.js';
import { expanded } from '../../libs/saga/src/protocol/expanded.js';

/** A definition reduced to what the protocol sees. Default kind: compensatable. */
export type Plan = Readonly<Record<string, StepPlan>>;

interface StepPlan {
  readonly after?: readonly string[];
  readonly kind?: StepKind;
  readonly onDeadLetter?: OnDeadLetter;
  /** The step may be skipped: `when` is asked at every one, and any answer is explored. */
  readonly conditional?: true;
  /** A fan-out: its branches are those that the event of the source names. */
  readonly fanOut?: true;
}

const anything: StandardSchemaV1<object, object> = {
  '~standard': { version: 1, vendor: 'model', validate: (value) => ({ value: value as object }) },
};

/** The real definition of a plan: what `defineSaga` makes of it. */
export function defined(name: string, plan: Plan): SagaGraph {
  const specs = Object.entries(plan).map(([step, { conditional, fanOut, ...spec }]) => [
    step,
    {
      ...spec,
      ...(conditional && { when: isNeeded }),
      ...(fanOut && { each: (event: unknown) => namedIn(event, step) }),
      emits: class extends DomainEvent(`${step}.done`, anything) {},
    },
  ]);
  return defineSaga(name, Object.fromEntries(specs) as Parameters<typeof defineSaga>[1]);
}

/** Not when an event that the step is given says so (in the model nobody asks: both answers are explored). */
function isNeeded(input: unknown): boolean {
  const events: unknown[] =
    typeof input === 'object' && input !== null ? [input, ...(Object.values(input) as unknown[])] : [];
  return !events.some(
    (event) => typeof event === 'object' && event !== null && 'needsNoMore' in event && event.needsNoMore,
  );
}

function namedIn(event: unknown, step: string): readonly string[] {
  return (event as { readonly branches: Branches }).branches[step]!;
}

const pivot = 'pivot';
const retriable = 'retriable';

/** The definitions of which every interleaving is explored. P is the pivot; what follows it is retriable. */
export const definitions = {
  'a, b, P, R': defined('linear', {
    a: {},
    b: { after: ['a'] },
    P: { after: ['b'], kind: pivot },
    R: { after: ['P'], kind: retriable },
  }),
  'a, b, c, d: the last commits': defined('last-commits', {
    a: {},
    b: { after: ['a'] },
    c: { after: ['b'] },
    d: { after: ['c'] },
  }),
  'a; b‖c; P; R': defined('fan-out', {
    a: {},
    b: { after: ['a'] },
    c: { after: ['a'] },
    P: { after: ['b', 'c'], kind: pivot },
    R: { after: ['P'], kind: retriable },
  }),
  'a; b→d ‖ c; P': defined('uneven-join', {
    a: {},
    b: { after: ['a'] },
    d: { after: ['b'] },
    c: { after: ['a'] },
    P: { after: ['d', 'c'], kind: pivot },
  }),
  'a; P; r‖s': defined('fan-out-after-pivot', {
    a: {},
    P: { after: ['a'], kind: pivot },
    r: { after: ['P'], kind: retriable },
    s: { after: ['P'], kind: retriable },
  }),
  'a, b, P after a and b; R after a and P': defined('shortcuts', {
    a: {},
    b: { after: ['a'] },
    P: { after: ['a', 'b'], kind: pivot },
    R: { after: ['a', 'P'], kind: retriable },
  }),
  'a, b goes on, P': defined('going-on', {
    a: {},
    b: { after: ['a'], onDeadLetter: 'continue' },
    P: { after: ['b'], kind: pivot },
  }),
  'a; b goes on ‖ c; P': defined('one-branch-goes-on', {
    a: {},
    b: { after: ['a'], onDeadLetter: 'continue' },
    c: { after: ['a'] },
    P: { after: ['b', 'c'], kind: pivot },
  }),
  'a, b?, c, P, R?': defined('conditional', {
    a: {},
    b: { after: ['a'], conditional: true },
    c: { after: ['b'] },
    P: { after: ['c'], kind: pivot },
    R: { after: ['P'], kind: retriable, conditional: true },
  }),
  'a; b?‖c; P': defined('conditional-branch', {
    a: {},
    b: { after: ['a'], conditional: true },
    c: { after: ['a'] },
    P: { after: ['b', 'c'], kind: pivot },
  }),
} satisfies Record<string, SagaGraph>;

/** Definitions with fan-outs, and the widths that are explored. */
export const fanOuts = {
  'a; b×n; P; R×n': {
    saga: defined('fan-out-of-any-width', {
      a: {},
      b: { after: ['a'], fanOut: true },
      P: { after: ['b'], kind: pivot },
      R: { after: ['P'], kind: retriable, fanOut: true },
    }),
    widths: [
      [0, 0],
      [1, 2],
      [2, 1],
    ],
  },
  'a; b×n‖c; P': {
    saga: defined('fan-out-beside-a-step', {
      a: {},
      b: { after: ['a'], fanOut: true, conditional: true, onDeadLetter: 'continue' },
      c: { after: ['a'] },
      P: { after: ['b', 'c'], kind: pivot },
    }),
    widths: [[0], [1]],
  },
  'a; b×n; P': {
    saga: defined('wide-fan-out', { a: {}, b: { after: ['a'], fanOut: true }, P: { after: ['b'], kind: pivot } }),
    widths: [[2], [3]],
  },
} satisfies Record<string, { readonly saga: SagaGraph; readonly widths: readonly (readonly number[])[] }>;

/** The branches of each fan-out of a saga, by how many there are. */
export function branchesOfWidth({ fanOuts: steps }: SagaGraph, widths: readonly number[]): Branches {
  return Object.fromEntries(steps.map((step, place) => [step, ['x', 'y', 'z'].slice(0, widths[place])]));
}

/** The graphs of sagas of these definitions, as the protocol works on them. */
export const fannedOut: Readonly<Record<string, SagaGraph>> = Object.fromEntries(
  Object.entries(fanOuts).flatMap(([name, { saga, widths }]) =>
    widths.map((width) => [`${name}, n = ${width.join(' and ')}`, expanded(saga, branchesOfWidth(saga, width))]),
  ),
);
