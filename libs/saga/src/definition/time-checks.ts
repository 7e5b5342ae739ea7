import { ancestorsOf, commitPointsOf, sourcesOf, type Specs } from './graph.js';
import type { StepSpec } from './step-spec.js';

/** Times that are none, or at which nothing could happen. */
export function timeViolations(specs: Specs, sagaDeadline: number | undefined): readonly string[] {
  return [
    ...Object.entries(specs).flatMap(([name, spec]) => [
      ...notTimes(`step "${name}"`, spec),
      ...idleDeadline(specs, name, spec),
      ...idleExpiry(specs, name, spec),
      ...afterSagaDeadline(specs, name, spec, sagaDeadline),
      ...awaitsViolations(name, spec),
    ]),
    ...notTimes('it', { deadline: sagaDeadline }),
    ...idleSagaDeadline(specs, sagaDeadline),
  ];
}

function notTimes(who: string, times: { readonly deadline?: unknown; readonly expires?: unknown }): readonly string[] {
  const { deadline, expires } = times;
  return Object.entries({ deadline, expires }).flatMap(([name, value]) =>
    value === undefined || (Number.isSafeInteger(value) && (value as number) >= 1)
      ? []
      : [`${who} has the ${name} ${told(value)}; give a whole number of milliseconds from 1`],
  );
}

/** The first step of a saga runs in the request that starts it, and is never left running there. */
function idleDeadline(specs: Specs, name: string, { deadline, on, effect, awaits }: StepSpec): readonly string[] {
  const begunByRequest = sourcesOf(specs).includes(name) && !on && !effect && !awaits;
  if (deadline === undefined || !begunByRequest) return [];
  return [
    `step "${name}" is done or refused before the request that starts the saga is answered, so its deadline never ends; remove it, or give the saga a deadline`,
  ];
}

function idleExpiry(specs: Specs, name: string, { expires, kind }: StepSpec): readonly string[] {
  const [pivot, ...others] = commitPointsOf(specs);
  if (expires === undefined || pivot === undefined || others.length > 0) return [];
  if (kind === 'readOnly')
    return [`step "${name}" is readOnly and holds nothing that could expire; remove its expires`];
  if (ancestorsOf(specs, pivot).has(name)) return [];
  const place = name === pivot ? 'is the commit point' : `does not come before the pivot "${pivot}"`;
  return [`step "${name}" ${place}, so what it did is never undone and cannot expire; remove its expires`];
}

/** The saga's own deadline runs from its start until the pivot is done, so what begins to count later and lasts no shorter comes after it. */
function afterSagaDeadline(
  specs: Specs,
  name: string,
  { deadline, expires }: StepSpec,
  sagaDeadline: number | undefined,
): readonly string[] {
  const [pivot, ...others] = commitPointsOf(specs);
  if (sagaDeadline === undefined || pivot === undefined || others.length > 0) return [];
  if (name !== pivot && !ancestorsOf(specs, pivot).has(name)) return [];
  return Object.entries({ deadline, expires }).flatMap(([time, value]) =>
    typeof value !== 'number' || !(value >= sagaDeadline)
      ? []
      : [
          `step "${name}" has the ${time} ${told(value)}, but the saga's own deadline, ${told(sagaDeadline)}, comes first, so it never ends anything; make it shorter, or remove it`,
        ],
  );
}

function awaitsViolations(name: string, { awaits, effect }: StepSpec): readonly string[] {
  const awaited: unknown = awaits;
  if (awaited === undefined) return [];
  if (awaited !== 'signal') return [`step "${name}" awaits ${told(awaited)}; a step awaits a 'signal'`];
  if (effect !== 'external') return [];
  return [
    `step "${name}" works outside the database and awaits a signal; let one step do the work and the next one wait for the answer`,
  ];
}

function told(value: unknown): string {
  const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return isPlain ? String(value).slice(0, 100) : `of type ${typeof value}`;
}

function idleSagaDeadline(specs: Specs, deadline: number | undefined): readonly string[] {
  const [source] = sourcesOf(specs);
  if (deadline === undefined || source === undefined || !commitPointsOf(specs).includes(source)) return [];
  return [`its first step "${source}" is its commit point, so its deadline never ends; give the step a deadline`];
}
