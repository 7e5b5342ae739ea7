import type { Harm } from './checker/invariant.js';
import type { Outcome } from './round.js';

const columns = [
  ['fault', 34],
  ['injected', 9],
  ['sagas', 6],
  ['lost', 5],
  ['doubled', 8],
  ['stuck', 6],
  ['wrong', 6],
  ['redriven', 9],
  ['given up', 9],
  ['mails again', 12],
  ['at rest after', 14],
] as const;

export const heading = lineOf(columns.map(([name]) => name));

/** One line of the table. `lost`, `doubled`, `stuck` and `wrong` count sagas, and what concerns no one saga as one each. */
export function rowOf(outcome: Outcome): string {
  const { fault, injected, sagas, redriven, givenUp, mailsAgain, recoveredMs } = outcome;
  const harms = (['lost', 'doubled', 'stuck', 'wrong'] as const).map((harm) => harmed(outcome, harm));
  const rest = recoveredMs === undefined ? 'never' : `${(recoveredMs / 1_000).toFixed(1)} s`;
  return lineOf([fault, injected, sagas, ...harms, redriven, givenUp, mailsAgain, rest]);
}

export function totalOf(outcomes: readonly Outcome[]): string {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const harms = (['lost', 'doubled', 'stuck', 'wrong'] as const).map((harm) => sum((one) => harmed(one, harm)));
  const counts = [sum((one) => one.redriven), sum((one) => one.givenUp), sum((one) => one.mailsAgain)];
  return lineOf([
    `${outcomes.length} rounds`,
    sum((one) => one.injected),
    sum((one) => one.sagas),
    ...harms,
    ...counts,
    '',
  ]);
}

const mostLines = 25;

/** What was violated, and for which saga. */
export function violationLines({ violations }: Outcome): readonly string[] {
  const lines = violations.map(
    ({ invariant, harm, sagaId, what }) => `  ${invariant} ${harm}: ${sagaId ? `saga ${sagaId}: ` : ''}${what}`,
  );
  const more = lines.length - mostLines;
  return more > 0 ? [...lines.slice(0, mostLines), `  and ${more} more`] : lines;
}

function harmed({ violations }: Outcome, harm: Harm): number {
  const ofHarm = violations.filter((violation) => violation.harm === harm);
  const sagas = new Set(ofHarm.map(({ sagaId, what }) => sagaId ?? what));
  return sagas.size;
}

function lineOf(cells: readonly (string | number)[]): string {
  return cells
    .map((cell, index) =>
      index === 0 ? String(cell).padEnd(columns[0][1]) : String(cell).padStart(columns[index]![1]),
    )
    .join(' ')
    .trimEnd();
}
