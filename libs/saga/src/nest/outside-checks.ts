import type { BoundSteps } from '../flow/bound-steps.js';
import type { OutsideSettings } from '../flow/outside-record.js';

const functions = ['identity', 'decode'];

/** What is wrong with what is said of outside events. It may come from JavaScript. */
export function outsideViolations(outside: unknown): readonly string[] {
  if (outside === undefined) return [];
  if (!isRecord(outside))
    return ["outside is no object; name outside events in it: { 'cart.checked-out': { identity, decode } }"];
  return Object.entries(outside).flatMap(([type, said]) => {
    const name = `outside["${type.slice(0, 100)}"]`;
    if (!isRecord(said)) return [`${name} is no object; give it { identity, decode }, or one of them`];
    return Object.entries(said).flatMap(([key, value]) => {
      if (!functions.includes(key))
        return [`${name}.${key.slice(0, 100)} is unknown; there are ${functions.join(', ')}`];
      return value === undefined || typeof value === 'function'
        ? []
        : [`${name}.${key} is no function; give it one, or leave it out`];
    });
  });
}

/** Events that start nothing here: a misspelled type would have its records told apart by something else. */
export function idleOutsideViolations(
  outside: OutsideSettings = {},
  { outsideSources }: BoundSteps,
): readonly string[] {
  const known = [...new Set(outsideSources.map(({ on }) => on.type))];
  return Object.keys(outside)
    .filter((type) => !known.includes(type))
    .map(
      (type) =>
        `outside names "${type.slice(0, 100)}", which starts no saga of this service; ${known.length > 0 ? `there are ${known.map((one) => `"${one}"`).join(', ')}` : 'no step of it has an outside event (on)'}`,
    );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
