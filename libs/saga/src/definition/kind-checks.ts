import { ancestorsOf, commitPointsOf, descendantsOf, predecessorsOf, sinksOf, type Specs } from './graph.js';
import { quoted } from './quoted.js';
import type { StepSpec } from './step-spec.js';

/** A saga commits at one point. Where every step is in a cycle there is none, and the cycle is what is wrong. */
export function commitPointViolations(specs: Specs): string[] {
  const points = commitPointsOf(specs);
  if (points.length <= 1) return [];
  if (points.some((name) => specs[name]!.kind === 'pivot')) {
    return [`steps ${quoted(points)} are all pivots; a saga commits at one point, keep one pivot`];
  }
  return [
    `steps ${quoted(points)} are all last and no pivot is named; join them in one step, or declare a pivot before them and make them retriable`,
  ];
}

/** What each step may be, by its place before, at or after the commit point. */
export function kindViolations(specs: Specs): string[] {
  return Object.entries(specs).flatMap(([name, spec]) => {
    const place = placeOf(specs, name);
    return [
      ...unfit(specs, name, spec, place),
      ...uselessEvents(name, spec, place),
      ...uselessDeadLetter(name, spec, place),
    ];
  });
}

interface Place {
  readonly at: 'pivot' | 'before' | 'after' | 'beside';
  readonly pivot: string;
}

/** `undefined` where something else that is wrong leaves the place open. */
function placeOf(specs: Specs, name: string): Place | undefined {
  const points = commitPointsOf(specs);
  if (points.length > 1 && specs[points[0]!]!.kind !== 'pivot') return undefined;
  if (points.includes(name)) return { at: 'pivot', pivot: name };
  const next = points.find((point) => ancestorsOf(specs, point).has(name));
  const last = points.find((point) => descendantsOf(specs, point).has(name));
  if (next !== undefined && last !== undefined) return undefined;
  if (next !== undefined) return { at: 'before', pivot: next };
  if (last !== undefined) return { at: 'after', pivot: last };
  return points[0] === undefined || isAdrift(specs, name, points[0]) ? undefined : { at: 'beside', pivot: points[0] };
}

/** Not tied to what comes before the pivot: an unknown predecessor, a cycle or a second source, which is reported, is the reason. */
function isAdrift(specs: Specs, name: string, pivot: string): boolean {
  const before = [...ancestorsOf(specs, name)];
  const beforePivot = ancestorsOf(specs, pivot);
  if (before.includes(name) || before.some((other) => !Object.hasOwn(specs, other))) return true;
  return !before.some((other) => beforePivot.has(other));
}

function unfit(specs: Specs, name: string, { kind = 'compensatable' }: StepSpec, place: Place | undefined): string[] {
  switch (place?.at) {
    case 'pivot':
      return kind === 'retriable'
        ? [
            `step "${name}" is the last step and the commit point, so it may be refused; declare it a pivot, or name another pivot before it`,
          ]
        : [];
    case 'before':
      return kind === 'retriable'
        ? [
            `step "${name}" is retriable but comes before the pivot "${place.pivot}"; only steps after the pivot are, make it compensatable or readOnly`,
          ]
        : [];
    case 'after':
      return kind === 'compensatable'
        ? [
            `step "${name}" is compensatable but comes after the pivot "${place.pivot}", where nothing is undone; declare it retriable, or move it before the pivot`,
          ]
        : [];
    case 'beside': {
      const joined = sinksOf(specs).includes(name) ? '; join it into the pivot' : '';
      return [
        `step "${name}" runs beside the pivot "${place.pivot}", so it could be left done when the pivot is refused${joined}, or place it after the pivot`,
      ];
    }
    default:
      return [];
  }
}

/** Events of endings that the step cannot have. */
function uselessEvents(
  name: string,
  { kind = 'compensatable', rejected, compensated }: StepSpec,
  place: Place | undefined,
): string[] {
  const violations: string[] = [];
  if (rejected && kind === 'retriable') {
    violations.push(
      `step "${name}" is retriable and cannot be rejected; remove its rejected event, or move it before the pivot`,
    );
  }
  if (rejected && kind === 'readOnly' && place?.at === 'after') {
    violations.push(
      `step "${name}" comes after the pivot "${place.pivot}", so it cannot be rejected; remove its rejected event`,
    );
  }
  if (compensated && (kind !== 'compensatable' || place?.at === 'pivot')) {
    const role = place?.at === 'pivot' ? 'the commit point' : kind;
    violations.push(`step "${name}" is ${role} and is never undone; remove its compensated event`);
  }
  return violations;
}

/** What goes on after a dead letter is the undo of the steps before. */
function uselessDeadLetter(name: string, spec: StepSpec, place: Place | undefined): string[] {
  const { kind = 'compensatable', onDeadLetter } = spec;
  if (onDeadLetter === undefined) return [];
  if (kind !== 'compensatable' || place?.at === 'pivot') {
    const role = place?.at === 'pivot' ? 'the commit point' : kind;
    return [`step "${name}" is ${role} and is never undone; remove its onDeadLetter`];
  }
  if (onDeadLetter === 'continue' && predecessorsOf(spec).length === 0)
    return [
      `step "${name}" is the source, so nothing is left to go on with after its dead letter; remove its onDeadLetter`,
    ];
  return [];
}
