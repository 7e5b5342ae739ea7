import { accepted, asItIs, InvalidEventData, type EventClass, type EventInstance } from './domain-event.js';
import { lasting } from './lasting.js';

/**
 * An event that comes from outside: its schema is applied here, once, and may make of the data what it likes, as long as that can be kept.
 *
 * @throws InvalidEventData when the data does not match the schema, or what the schema makes of it is nothing that JSON can carry
 */
export function outsideEventFrom(eventClass: EventClass, data: unknown): EventInstance {
  const { type, schema } = eventClass;
  const kept = lasting(accepted(type, schema, data), data, (keeping) => restored(eventClass, keeping as object));
  if ('data' in kept) return asItIs(eventClass, kept.data);
  throw new InvalidEventData(type, [kept.why], 'cannot be kept as its schema makes it');
}

/** Such an event again, from where it was kept. */
export function keptEventFrom(eventClass: EventClass, data: object): EventInstance {
  return asItIs(eventClass, restored(eventClass, data));
}

/** A schema that only restores what JSON has no type for (a Date of its ISO text) is asked again; one that transforms has had its turn. */
function restored({ type, schema }: EventClass, data: object): object {
  try {
    const read = accepted(type, schema, data);
    return JSON.stringify(read) === JSON.stringify(data) ? read : data;
  } catch {
    return data; // made by a schema that does not take it any more
  }
}
