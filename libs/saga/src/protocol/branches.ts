import type { SagaGraph } from '../definition/saga-definition.js';
import { SagaError } from './errors.js';
import type { Outcome } from './outcome.js';

/** The names of the branches of each fan-out of a saga: set once, when its source is done, and told with every event from then on. */
export type Branches = Readonly<Record<string, readonly string[]>>;

const most = 100;
const longestText = 16_000;

/** The name of a branch as a step of its saga: of its fence row, its events and its message ids. */
export function branchStep(step: string, branch: string): string {
  return `${step}[${branch}]`;
}

/**
 * The branches of a saga, by the event of its source; nothing where the definition has no fan-out.
 *
 * @throws SagaError `INVALID_BRANCHES` saying which names cannot be
 */
export function branchesOf(saga: SagaGraph, event: object): Branches | undefined {
  const { fanOuts, steps } = saga.template ?? saga;
  if (fanOuts.length === 0) return undefined;
  const branches = Object.fromEntries(
    fanOuts.map((step) => {
      const names: unknown = steps[step]!.each!(event as never);
      const why = unfitNames(names);
      if (why !== undefined) throw invalid(saga, step, why);
      return [step, [...(names as readonly string[])]];
    }),
  );
  const { length } = JSON.stringify(branches);
  if (length > longestText)
    throw invalid(
      saga,
      fanOuts[0]!,
      `the names of all branches take ${length} characters, ${longestText} are the most`,
    );
  return branches;
}

/** The branches that an attribute names; nothing when it is no such attribute. */
export function branchesFrom(text: unknown): Branches | undefined {
  if (typeof text !== 'string' || text.length > longestText) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return Object.values(parsed).every((names) => unfitNames(names) === undefined) ? (parsed as Branches) : undefined;
  } catch {
    return undefined;
  }
}

/** Why an event cannot be one of this saga by the branches that it names; nothing when it can. Where the source is never done, there are none to name: it says so, and the others are cancelled. */
export function unfitBranches(
  { fanOuts, source }: SagaGraph,
  event: { readonly step: string; readonly outcome: Outcome; readonly branches?: Branches },
): string | undefined {
  const { step, outcome, branches } = event;
  if (branches === undefined) {
    const isNeverDone = outcome === 'cancelled' || (outcome === 'rejected' && step === source);
    return fanOuts.length === 0 || isNeverDone ? undefined : 'it does not name the branches of its saga';
  }
  const named = Object.keys(branches);
  const fits = named.length === fanOuts.length && fanOuts.every((fanOut) => Object.hasOwn(branches, fanOut));
  return fits
    ? undefined
    : `it names branches of ${named.join(', ')}, and the fan-outs of its saga are ${fanOuts.join(', ') || 'none'}`;
}

export function isBranchName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(name);
}

function unfitNames(names: unknown): string | undefined {
  if (!Array.isArray(names)) return 'its each answers with no list of names';
  if (names.length > most) return `there are ${names.length}, ${most} are the most`;
  const odd = names.find((name) => !isBranchName(name));
  if (odd !== undefined || names.includes(undefined))
    return `${JSON.stringify(odd) ?? 'undefined'} is no name of 1 to 64 letters, digits, ".", "_", ":" or "-"`;
  const twice = names.find((name, index) => names.indexOf(name) !== index) as string | undefined;
  return twice === undefined ? undefined : `${JSON.stringify(twice)} is there twice`;
}

function invalid({ name, source }: SagaGraph, step: string, why: string): SagaError {
  return new SagaError(
    'INVALID_BRANCHES',
    `The event of step "${source}" of saga "${name}" gives step "${step}" no branches that can be: ${why}.`,
    { step: source, retriable: false },
  );
}
