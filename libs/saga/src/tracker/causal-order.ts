import type { SagaGraph } from '../definition/saga-definition.js';
import type { Envelope } from '../protocol/envelope.js';
import { isClosing } from '../protocol/outcome.js';

/** Each event after all that led to it, whatever the clocks of its services said; otherwise by time. Without a definition, by the causes that events name. */
export function causalOrder(saga: SagaGraph | undefined, events: readonly Envelope[]): readonly Envelope[] {
  const owed = owedIn(saga, events);
  const placed = new Set<Envelope>();
  const ordered: Envelope[] = [];
  const place = (event: Envelope): void => {
    if (placed.has(event)) return;
    placed.add(event);
    for (const earlier of byTime(events.filter((other) => ledTo(saga, other, event, owed)))) place(earlier);
    ordered.push(event);
  };
  for (const event of byTime(events)) place(event);
  return ordered;
}

/** An event names one cause; a step that ran has all its predecessors, and an undo waits for everything after its step. */
function ledTo(saga: SagaGraph | undefined, earlier: Envelope, later: Envelope, owed: ReadonlySet<string>): boolean {
  if (earlier.id === later.causationId) return true;
  const step = saga?.steps[later.step];
  if (!step) return false;
  const passed = earlier.outcome === 'done' || earlier.outcome === 'skipped';
  if (later.outcome === 'done' || later.outcome === 'skipped' || later.outcome === 'rejected') {
    return passed && step.predecessors.includes(earlier.step);
  }
  if (later.outcome !== 'compensated' && later.outcome !== 'deadLettered') return false;
  if (earlier.step === later.step) return passed || earlier.outcome === 'deadLettered';
  const released = owed.has(earlier.step) ? earlier.outcome === 'deadLettered' : isClosing(earlier.outcome);
  return released && step.successors.includes(earlier.step);
}

/** Steps after whose dead letter the undo went on: it did not wait for theirs. */
function owedIn(saga: SagaGraph | undefined, events: readonly Envelope[]): ReadonlySet<string> {
  const letters = events.filter(({ outcome }) => outcome === 'deadLettered').map(({ step }) => step);
  return new Set(letters.filter((step) => saga?.steps[step]?.onDeadLetter === 'continue'));
}

function byTime(events: readonly Envelope[]): readonly Envelope[] {
  return events.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time) || (a.id < b.id ? -1 : 1));
}
