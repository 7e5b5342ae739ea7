import type { Envelope } from '../protocol/envelope.js';

/** Each event after the one that caused it, whatever the clocks of its services said; otherwise by time. */
export function causalOrder(events: readonly Envelope[]): readonly Envelope[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  const placed = new Set<string>();
  const ordered: Envelope[] = [];
  const place = (event: Envelope): void => {
    if (placed.has(event.id)) return;
    placed.add(event.id);
    const cause = event.causationId === undefined ? undefined : byId.get(event.causationId);
    if (cause) place(cause);
    ordered.push(event);
  };
  for (const event of events.toSorted((a, b) => a.time.localeCompare(b.time) || a.id.localeCompare(b.id))) place(event);
  return ordered;
}
