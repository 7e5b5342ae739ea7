import { eventViolations } from './event-checks.js';
import { ancestorsOf, predecessorsOf, sourcesOf, type Specs } from './graph.js';
import { commitPointViolations, kindViolations } from './kind-checks.js';
import { quoted } from './quoted.js';
import { shapeViolations } from './shape-checks.js';
import { reservedSagaViolations } from './reserved-names.js';

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
  return [
    ...nameViolations(saga, specs),
    ...eventViolations(saga, specs),
    ...predecessorViolations(specs),
    ...cycleViolations(specs),
    ...sourceViolations(specs),
    ...commitPointViolations(specs),
    ...kindViolations(specs),
    ...shapeViolations(specs),
  ];
}

/** What can be said of steps that have not the shape of steps: nothing of their graph. */
export function shapelessViolations(
  { name, shapeless }: { readonly name: string; readonly shapeless: readonly string[] },
  specs: Specs,
): readonly string[] {
  return [...nameViolations(name, specs), ...shapeless, ...eventViolations(name, specs)];
}

function nameViolations(saga: string, specs: Specs): string[] {
  const violations: string[] = [];
  if (!/^[A-Za-z][A-Za-z0-9._-]{0,99}$/.test(saga)) {
    violations.push(`its name must be up to 100 letters, digits, ".", "_" or "-", starting with a letter`);
  }
  violations.push(...reservedSagaViolations(saga));
  if (Object.keys(specs).length === 0) violations.push('it has no steps; declare at least one');
  for (const name of Object.keys(specs)) {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name)) {
      violations.push(`step "${name}": name it with up to 100 letters, digits, "_" or "-", starting with a letter`);
    } else if (name in Object.prototype) {
      violations.push(`step "${name}": every object has a property of that name; name the step otherwise`);
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
