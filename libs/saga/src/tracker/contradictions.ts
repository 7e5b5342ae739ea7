import { isDeepStrictEqual } from 'node:util';
import type { Envelope } from '../protocol/envelope.js';

/** What arrives again is the same event: those of `arrived` that say something else than the logged events of their id do. */
export function contradicting(arrived: readonly Envelope[], logged: readonly Envelope[]): readonly Envelope[] {
  const byId = grouped(logged);
  return arrived.filter((event) => isFinal(event) && !byId.get(event.id)?.some((known) => saysTheSame(known, event)));
}

/** The ids of which events with different contents exist: somebody has made a step twice, and each told of it. */
export function contradictions(events: readonly Envelope[]): readonly string[] {
  return [...grouped(events.filter(isFinal))].flatMap(([id, ofId]) => {
    const [first, ...others] = ofId;
    if (others.every((other) => saysTheSame(first!, other))) return [];
    const sources = [...new Set(ofId.map(({ source }) => source))].toSorted();
    return [
      `event "${id}" came with different contents, from ${sources.join(' and ')}: its step was made more than once`,
    ];
  });
}

/** A step ends once. A dead letter and a request to abort may come again, for another reason. */
function isFinal({ outcome }: Envelope): boolean {
  return outcome !== 'deadLettered' && outcome !== 'abortRequested';
}

function saysTheSame(a: Envelope, b: Envelope): boolean {
  return a.source === b.source && a.type === b.type && a.outcome === b.outcome && isDeepStrictEqual(a.data, b.data);
}

function grouped(events: readonly Envelope[]): Map<string, Envelope[]> {
  const groups = new Map<string, Envelope[]>();
  for (const event of events) groups.set(event.id, [...(groups.get(event.id) ?? []), event]);
  return groups;
}
