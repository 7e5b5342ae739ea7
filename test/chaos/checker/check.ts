import type { Evidence } from './evidence.js';
import type { Invariant, Violation } from './invariant.js';
import { invariantsOfEffects } from './invariants-of-effects.js';
import { invariantsOfEvents } from './invariants-of-events.js';
import { invariantsOfState } from './invariants-of-state.js';
import { storiesOf } from './story.js';

export const invariants: readonly Invariant[] = [
  ...invariantsOfState,
  ...invariantsOfEffects,
  ...invariantsOfEvents,
].toSorted((one, other) => Number(one.name.slice(1)) - Number(other.name.slice(1)));

/** Every violation of every invariant; empty when all hold. */
export function check(evidence: Evidence): readonly Violation[] {
  const stories = storiesOf(evidence);
  return invariants.flatMap((invariant) =>
    invariant.check(evidence, stories).map((violation) => ({ invariant: invariant.name, ...violation })),
  );
}
