import { defaultEventType } from './default-events.js';
import { eventFrom, isEventType, type EventClass } from './domain-event.js';
import type { Specs } from './graph.js';
import { quoted } from './quoted.js';
import { reservedTypeViolations } from './reserved-names.js';
import type { StepSpec } from './step-spec.js';

const roles = ['emits', 'rejected', 'compensated', 'cancelled', 'on'] as const;
const closings = ['rejected', 'compensated', 'cancelled'] as const;

/** Events that are none, that the library could not make, or that could not be told apart. */
export function eventViolations(saga: string, specs: Specs): string[] {
  const steps = Object.entries(specs);
  const violations = steps.flatMap(([name, spec]) => [...notEvents(name, spec), ...unmakable(saga, name, spec)]);
  const uses = new Map<string, string[]>();
  for (const { type, place } of steps.flatMap(([name, spec]) => usesOf(saga, name, spec))) {
    violations.push(...reservedTypeViolations(place, type));
    uses.set(type, [...(uses.get(type) ?? []), place]);
  }
  for (const [type, places] of uses) {
    if (places.length === 1) continue;
    violations.push(`event "${type}" is used by ${quoted(places)}; give each outcome of each step an event of its own`);
  }
  return violations;
}

function notEvents(name: string, spec: StepSpec): string[] {
  return roles
    .filter((role) => (role === 'emits' || spec[role] !== undefined) && !isEventClass(spec[role]))
    .map((role) => `step "${name}": its ${role} is no event class; make one with DomainEvent`);
}

function unmakable(saga: string, name: string, { cancelled }: StepSpec): string[] {
  const violations: string[] = [];
  if (isEventClass(cancelled) && !acceptsClosing(cancelled)) {
    violations.push(
      `step "${name}": the library makes its cancelled event "${cancelled.type}", so its schema must accept { failedStep, reason }`,
    );
  }
  const longest = defaultEventType(saga, name, 'compensated');
  if (longest.length > 200) {
    violations.push(
      `step "${name}": its default event "${longest}" has a name of over 200 letters; shorten the name of the step`,
    );
  }
  return violations;
}

/** Every type of event that a step has: the declared ones, and the default ones that the library may make. */
function usesOf(saga: string, name: string, spec: StepSpec): { readonly type: string; readonly place: string }[] {
  const declared = roles.flatMap((role) =>
    isEventClass(spec[role]) ? [{ type: spec[role].type, place: `${name}.${role}` }] : [],
  );
  const made = closings
    .filter((role) => role !== 'cancelled' || spec.cancelled === undefined)
    .map((role) => ({ type: defaultEventType(saga, name, role), place: `the default ${name}.${role}` }));
  const skipped = spec.when
    ? [{ type: defaultEventType(saga, name, 'skipped'), place: `the default ${name}.skipped` }]
    : [];
  return [...declared, ...made, ...skipped];
}

/** Whatever is asked of a stranger may throw. */
function isEventClass(candidate: EventClass | undefined): candidate is EventClass {
  try {
    if (typeof candidate !== 'function' || typeof candidate.type !== 'string' || !isEventType(candidate.type))
      return false;
    return typeof candidate.schema['~standard'].validate === 'function';
  } catch {
    return false;
  }
}

function acceptsClosing(event: EventClass): boolean {
  try {
    eventFrom(event, { failedStep: 'step', reason: 'reason' });
    return true;
  } catch {
    return false;
  }
}
