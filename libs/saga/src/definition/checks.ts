import { eventFrom, type EventClass } from './domain-event.js';
import { ancestorsOf, commitPointsOf, descendantsOf, predecessorsOf, sinksOf, sourcesOf, type Specs } from './graph.js';

/** A saga that cannot be right. The message and `violations` list everything that is wrong and how to mend each. */
export class InvalidSagaDefinition extends Error {
  readonly code = 'INVALID_SAGA_DEFINITION';

  constructor(
    readonly saga: string,
    readonly violations: readonly string[],
  ) {
    super(`Saga "${saga}" is not sound:\n${violations.map((violation) => `  - ${violation}`).join('\n')}`);
    this.name = 'InvalidSagaDefinition';
  }
}

/** Everything that is wrong with a definition, in a stable order; empty when it is sound. */
export function violationsOf(saga: string, specs: Specs): readonly string[] {
  const named = [...nameViolations(saga, specs), ...eventViolations(specs)];
  const graph = [...predecessorViolations(specs), ...cycleViolations(specs), ...sourceViolations(specs)];
  if (graph.length > 0 || Object.keys(specs).length === 0) return [...named, ...graph];
  return [...named, ...commitPointViolations(specs), ...kindViolations(specs)];
}

function nameViolations(saga: string, specs: Specs): string[] {
  const violations: string[] = [];
  if (!/^[A-Za-z][A-Za-z0-9._-]{0,99}$/.test(saga)) {
    violations.push(`its name must be up to 100 letters, digits, ".", "_" or "-", starting with a letter`);
  }
  if (Object.keys(specs).length === 0) violations.push('it has no steps; declare at least one');
  for (const name of Object.keys(specs)) {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name)) {
      violations.push(`step "${name}": name it with up to 100 letters, digits, "_" or "-", starting with a letter`);
    }
  }
  return violations;
}

function predecessorViolations(specs: Specs): string[] {
  return Object.entries(specs).flatMap(([name, spec]) => {
    const after = predecessorsOf(spec);
    const unknown = after.filter((other) => !Object.hasOwn(specs, other));
    const twice = after.filter((other, index) => after.indexOf(other) !== index);
    return [
      ...unknown.map(
        (other) => `step "${name}" comes after "${other}", which is no step of this saga; add it or correct the name`,
      ),
      ...twice.map((other) => `step "${name}" names "${other}" twice in after; name it once`),
    ];
  });
}

function cycleViolations(specs: Specs): string[] {
  const members = Object.keys(specs).filter((name) => ancestorsOf(specs, name).has(name));
  if (members.length === 0) return [];
  return [`steps ${quoted(members)} form a cycle; a saga runs forward only, remove one of their after`];
}

function sourceViolations(specs: Specs): string[] {
  const sources = sourcesOf(specs);
  const inputs = Object.entries(specs).flatMap(([name, spec]) => {
    if (sources.includes(name)) {
      return spec.on && spec.input
        ? [`step "${name}" has both on and input; an outside event is its own input, keep one`]
        : [];
    }
    const given = spec.on ? 'on' : spec.input ? 'input' : undefined;
    return given
      ? [`step "${name}" is not the source, so it cannot have ${given}; only the first step is started from outside`]
      : [];
  });
  if (sources.length <= 1) return inputs;
  return [...inputs, `steps ${quoted(sources)} are all sources; a saga starts with one step, give the others an after`];
}

function commitPointViolations(specs: Specs): string[] {
  const points = commitPointsOf(specs);
  if (points.length === 1) return [];
  if (points.some((name) => specs[name]!.kind === 'pivot')) {
    return [`steps ${quoted(points)} are all pivots; a saga commits at one point, keep one pivot`];
  }
  return [
    `steps ${quoted(points)} are all last and no pivot is named; join them in one step, or declare a pivot before them and make them retriable`,
  ];
}

function kindViolations(specs: Specs): string[] {
  const points = commitPointsOf(specs);
  if (points.length !== 1) return [];
  const pivot = points[0]!;
  const before = ancestorsOf(specs, pivot);
  const after = descendantsOf(specs, pivot);
  return Object.entries(specs).flatMap(([name, spec]) => {
    const kind = spec.kind ?? 'compensatable';
    const found: string[] = [];
    if (name === pivot) {
      if (kind === 'retriable')
        found.push(
          `step "${name}" is the last step and the commit point, so it may be refused; declare it a pivot, or name another pivot before it`,
        );
    } else if (before.has(name)) {
      if (kind === 'retriable')
        found.push(
          `step "${name}" is retriable but comes before the pivot "${pivot}"; only steps after the pivot are, make it compensatable or readOnly`,
        );
    } else if (after.has(name)) {
      if (kind === 'compensatable')
        found.push(
          `step "${name}" is compensatable but comes after the pivot "${pivot}", where nothing is undone; declare it retriable, or move it before the pivot`,
        );
      if (kind === 'readOnly' && spec.rejected)
        found.push(
          `step "${name}" comes after the pivot "${pivot}", so it cannot be rejected; remove its rejected event`,
        );
    } else {
      found.push(
        `step "${name}" runs beside the pivot "${pivot}", so it could be left done when the pivot is refused${sinksOf(specs).includes(name) ? '; join it into the pivot' : ''}, or place it after the pivot`,
      );
    }
    if (kind === 'retriable' && spec.rejected)
      found.push(
        `step "${name}" is retriable and cannot be rejected; remove its rejected event, or move it before the pivot`,
      );
    if (spec.compensated && (kind !== 'compensatable' || name === pivot))
      found.push(
        `step "${name}" is ${name === pivot ? 'the commit point' : kind} and is never undone; remove its compensated event`,
      );
    return found;
  });
}

const outcomes = ['emits', 'rejected', 'compensated', 'cancelled'] as const;

function eventViolations(specs: Specs): string[] {
  const uses = new Map<string, string[]>();
  const violations: string[] = [];
  for (const [name, spec] of Object.entries(specs)) {
    for (const role of [...outcomes, 'on'] as const) {
      const event: EventClass | undefined = spec[role];
      if (event === undefined && role !== 'emits') continue;
      if (typeof event !== 'function' || typeof event.type !== 'string') {
        violations.push(`step "${name}": its ${role} is no event class; make one with DomainEvent`);
        continue;
      }
      uses.set(event.type, [...(uses.get(event.type) ?? []), `${name}.${role}`]);
    }
    if (spec.cancelled && !acceptsClosing(spec.cancelled)) {
      violations.push(
        `step "${name}": the library makes its cancelled event "${spec.cancelled.type}", so its schema must accept { failedStep, reason }`,
      );
    }
  }
  for (const [type, places] of uses) {
    if (places.length > 1)
      violations.push(
        `event "${type}" is used by ${quoted(places)}; give each outcome of each step an event of its own`,
      );
  }
  return violations;
}

function acceptsClosing(event: EventClass): boolean {
  try {
    eventFrom(event, { failedStep: 'step', reason: 'reason' });
    return true;
  } catch {
    return false;
  }
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
