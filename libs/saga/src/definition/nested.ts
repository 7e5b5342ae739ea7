import { emptyEvent } from './default-events.js';
import { sinksOf, type Specs } from './graph.js';
import type { SagaGraph } from './saga-definition.js';

/** The step that the library adds to a saga that commits with its parent: it waits for the parent's word. */
export const commitStep = 'commit';

/** The steps of a saga that commits with its parent: its own, all of which can be undone, and then the wait for the parent's pivot. */
export function withCommitStep(saga: string, specs: Specs): Specs {
  if (Object.hasOwn(specs, commitStep)) return specs;
  const emits = emptyEvent(saga, commitStep, 'done');
  const commit = { after: sinksOf(specs), kind: 'pivot', awaits: 'signal', emits };
  return Object.assign(Object.create(null) as Specs, specs, { [commitStep]: commit });
}

/** What a saga that commits with its parent may not have. */
export function childViolations(specs: Specs): string[] {
  const named = Object.hasOwn(specs, commitStep)
    ? [`step "${commitStep}": a saga that commits with its parent gets a step of that name; give yours another`]
    : [];
  const decided = Object.entries(specs).flatMap(([name, { kind }]) =>
    kind === 'pivot' || kind === 'retriable'
      ? [
          `step "${name}" is ${kind}, but the saga commits with its parent and can be undone as a whole until then; make it compensatable or readOnly`,
        ]
      : [],
  );
  return [...named, ...decided];
}

/** What a step that is a saga of its own may not have. */
export function nestedViolations(specs: Specs, isDefinition: (saga: SagaGraph) => boolean): string[] {
  return Object.entries(specs).flatMap(([name, spec]) => {
    if (spec.saga === undefined)
      return spec.result ? [`step "${name}" has a result but no saga of its own; remove it`] : [];
    if (!isDefinition(spec.saga)) return [`step "${name}": its saga is no definition; give what defineSaga returned`];
    const violations: string[] = [];
    if (spec.saga.commits !== 'withParent')
      violations.push(
        `step "${name}": saga "${spec.saga.name}" commits alone, so it could not be undone with this one; define it with { commits: 'withParent' }`,
      );
    if (spec.after === undefined || (spec.kind ?? 'compensatable') !== 'compensatable')
      violations.push(`step "${name}" is a saga of its own, so it has to be compensatable and after another step`);
    for (const useless of ['rejected', 'compensated', 'effect', 'awaits', 'deadline', 'expires'] as const)
      if (useless in spec)
        violations.push(`step "${name}" is a saga of its own, which says that itself; remove ${useless}`);
    return violations;
  });
}
