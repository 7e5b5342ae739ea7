import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidSagaDefinition } from './checks.js';
import { defineSaga } from './define-saga.js';
import { DomainEvent } from './domain-event.js';
import type { SagaGraph } from './saga-definition.js';
import type { StepKind } from './step-spec.js';

const schema = {
  '~standard': { version: 1, vendor: 'spec', validate: (value: unknown) => ({ value: value as object }) },
} as const;
const event = (type: string) => class extends DomainEvent(type, schema) {};

/** A step in short: numbers stand for steps, and for events. */
interface Draft {
  readonly after: readonly number[];
  readonly kind: StepKind | undefined;
  readonly emits: number;
  readonly rejected: boolean;
  readonly compensated: boolean;
}

const size = 5;
const rare = fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0);

const anyDraft = (step: number): fc.Arbitrary<Draft> =>
  fc.record({
    after: fc.oneof(
      { weight: 9, arbitrary: fc.subarray([...Array(step).keys()], { minLength: Math.min(step, 1) }) },
      { weight: 1, arbitrary: fc.array(fc.nat(size), { maxLength: 3 }) },
    ),
    kind: fc.constantFrom(undefined, undefined, 'compensatable', 'pivot', 'retriable', 'retriable', 'readOnly'),
    emits: rare.map((shared) => (shared ? 0 : step)),
    rejected: rare,
    compensated: rare,
  });

const anyDrafts = fc
  .integer({ min: 1, max: size })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_none, step) => anyDraft(step))));

function define(drafts: readonly Draft[]): SagaGraph | InvalidSagaDefinition {
  const steps = drafts.map(({ after, kind, emits, rejected, compensated }, step) => [
    `s${step}`,
    {
      ...(after.length > 0 && { after: after.map((other) => `s${other}`) }),
      ...(kind && { kind }),
      emits: event(`done.${emits}`),
      ...(rejected && { rejected: event(`rejected.${step}`) }),
      ...(compensated && { compensated: event(`compensated.${step}`) }),
    },
  ]);
  try {
    return defineSaga('random', Object.fromEntries(steps) as Record<string, never>);
  } catch (error) {
    if (error instanceof InvalidSagaDefinition) return error;
    throw error;
  }
}

/** The rules again, in other words than the library's: over the matrix of what comes before what. */
function isSound(drafts: readonly Draft[]): boolean {
  const before = closureOf(drafts);
  const all = [...drafts.keys()];
  const known = drafts.every(
    ({ after }) => after.every((other) => other < drafts.length) && new Set(after).size === after.length,
  );
  const acyclic = all.every((step) => !before[step]![step]);
  const oneSource = drafts.filter(({ after }) => after.length === 0).length === 1;
  const ownEvents = new Set(drafts.map(({ emits }) => emits)).size === drafts.length;
  const named = all.filter((step) => drafts[step]!.kind === 'pivot');
  const points = named.length > 0 ? named : all.filter((step) => !drafts.some(({ after }) => after.includes(step)));
  if (!known || !acyclic || !oneSource || !ownEvents || points.length !== 1) return false;
  return all.every((step) =>
    fits(drafts[step]!, step === points[0], before[points[0]!]![step]!, before[step]![points[0]!]!),
  );
}

function fits(
  { kind = 'compensatable', rejected, compensated }: Draft,
  isPivot: boolean,
  isBefore: boolean,
  isAfter: boolean,
): boolean {
  if (isPivot) return kind !== 'retriable' && !compensated;
  if (isBefore) return kind === 'compensatable' || (kind === 'readOnly' && !compensated);
  return isAfter && (kind === 'retriable' || kind === 'readOnly') && !rejected && !compensated;
}

/** `closure[x][y]`: y comes before x. */
function closureOf(drafts: readonly Draft[]): boolean[][] {
  const before = drafts.map(({ after }) => drafts.map((_draft, other) => after.includes(other)));
  for (const via of drafts.keys())
    for (const from of drafts.keys())
      for (const to of drafts.keys()) before[from]![to] ||= before[from]![via]! && before[via]![to]!;
  return before;
}

describe('any graph of steps', { timeout: 60_000 }, () => {
  test('is refused with its violations, or it is sound', () => {
    const wrong = fc.check(
      fc.property(anyDrafts, (drafts) => {
        const answer = define(drafts);
        return answer instanceof InvalidSagaDefinition
          ? !isSound(drafts) && answer.violations.length > 0
          : isSound(drafts);
      }),
      { numRuns: 800 },
    );
    expect(wrong.counterexample).toBeNull();
  });

  test('that is accepted has the compensatable steps before its pivot and the retriable ones after it', () => {
    let accepted = 0;
    const wrong = fc.check(
      fc.property(anyDrafts, (drafts) => {
        const saga = define(drafts);
        if (saga instanceof InvalidSagaDefinition) return true;
        accepted++;
        const before = closureOf(drafts);
        const pivot = Number(saga.commitPoint.slice(1));
        return [...drafts.keys()].every((step) => {
          const role = step === pivot ? 'pivot' : before[pivot]![step] ? 'compensatable' : 'retriable';
          return saga.steps[`s${step}`]!.role === role && (role !== 'retriable' || before[step]![pivot]!);
        });
      }),
      { numRuns: 1_000, seed: 7 },
    );
    expect(wrong.counterexample).toBeNull();
    expect(accepted).toBeGreaterThan(100);
  });

  test('that is accepted tells successors as it tells predecessors, and its ends', () => {
    const wrong = fc.check(
      fc.property(anyDrafts, (drafts) => {
        const saga = define(drafts);
        if (saga instanceof InvalidSagaDefinition) return true;
        const steps = Object.values(saga.steps);
        const mirrored = steps.every((one) =>
          steps.every((other) => one.successors.includes(other.name) === other.predecessors.includes(one.name)),
        );
        const sources = steps.filter(({ predecessors }) => predecessors.length === 0).map(({ name }) => name);
        const sinks = steps.filter(({ successors }) => successors.length === 0).map(({ name }) => name);
        return mirrored && sources.join() === saga.source && sinks.join() === saga.sinks.join();
      }),
      { numRuns: 300 },
    );
    expect(wrong.counterexample).toBeNull();
  });
});
