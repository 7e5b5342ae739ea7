import type { StandardSchemaV1 } from '@standard-schema/spec';
import { otherThanObject, type EventData, type NoEventData, type Unless } from './event-data.js';
import { lasting } from './lasting.js';
import { issueText } from './schema-issue.js';

/** Carries the event's type name on every instance (on the prototype, so it is never serialized) and keeps look-alike events apart at compile time. */
export const eventType: unique symbol = Symbol.for('nest-saga.event-type');

/** A saga event as handlers see it: the data of its schema, read-only, plus its type name. */
export type EventInstance<Type extends string = string, Data extends object = object> = Readonly<Data> & {
  readonly [eventType]: Type;
};

/** What `DomainEvent` makes and what an event class is: a constructor that validates, with its type name and schema. */
export interface EventClass<Type extends string = string, Input = never, Data extends object = object> {
  readonly type: Type;
  readonly schema: StandardSchemaV1<unknown, unknown>;
  new (data: Input): EventInstance<Type, Data>;
}

type EventClassOf<Type extends string, Input, Data extends object> = Unless<
  Data,
  EventClass<Type, Input, EventData<Data>>
>;

/** Data of which is known already what it is: its event is made without another look. */
const settled = new WeakSet<object>();

/** How many issues a message names: a list of thousands may have one each. */
const told = 20;

/** Data that an event's schema does not accept, or that would be other data once it was sent. `issues` lists what is wrong and where. */
export class InvalidEventData extends Error {
  readonly code = 'INVALID_EVENT_DATA';

  constructor(
    readonly type: string,
    readonly issues: readonly string[],
    said = 'does not match its schema',
  ) {
    const more = issues.length > told ? `; and ${issues.length - told} more` : '';
    super(`Event "${type}" ${said}: ${issues.slice(0, told).join('; ')}${more}.`);
    this.name = 'InvalidEventData';
  }
}

/**
 * Makes the base class of an event from its type name (`domain.action`, past tense) and its schema, the only source of its shape.
 * Any Standard Schema library will do; the schema must be synchronous and describe an object. An event is written as JSON and read with its
 * schema wherever it arrives, so its data must come out of both as it went in: what does not is refused where the event is made.
 *
 * Of a union the event has the members of all its forms, those that only some have as optional ones; a field that holds the union keeps them apart.
 *
 * @throws TypeError for a type that cannot name a topic, for no schema, and for a schema of something else than an object
 * @throws InvalidEventData from the constructor, when the data does not match the schema or would arrive as other data
 */
export function DomainEvent<const Type extends string, Schema extends StandardSchemaV1<object, object>>(
  type: Type,
  schema: Schema,
): EventClassOf<Type, StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>>;
/** Nothing else makes an event; the type of the schema says what to do. */
export function DomainEvent(type: string, schema: NoEventData): never;
export function DomainEvent(type: string, given: unknown): unknown {
  const schema = given as StandardSchemaV1;
  if (!isEventType(type)) {
    throw new TypeError(
      `Event type "${nameOf(type)}" cannot name a topic: use up to 200 letters, digits, ".", "_" or "-", such as "task.created".`,
    );
  }
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new TypeError(`Event type "${type}" has no schema; give it one of a Standard Schema library, such as zod.`);
  }
  const other = otherThanObject(schema);
  if (other !== undefined) {
    throw new TypeError(
      `Event type "${type}" has a schema of ${other}; the data of an event is one object: put it into a field, such as z.object({ value: … }).`,
    );
  }
  const Base = class {
    static readonly type = type;
    static readonly schema = schema;

    constructor(data: unknown) {
      Object.assign(this, settled.has(data as object) ? data : validated(type, schema, data));
    }
  };
  Object.defineProperty(Base.prototype, eventType, { value: type });
  return Base;
}

/** Whether a text can be the type of an event: topics are named by it. */
export function isEventType(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(text);
}

/**
 * An event of this class from data of unknown origin (a Kafka record, a stored row).
 *
 * @throws InvalidEventData when the data does not match the schema
 */
export function eventFrom(eventClass: EventClass, data: unknown): EventInstance {
  return new (eventClass as unknown as new (data: unknown) => EventInstance)(data);
}

/**
 * What a schema makes of data.
 *
 * @throws InvalidEventData when it does not accept it
 */
export function accepted(type: string, schema: StandardSchemaV1, data: unknown): object {
  const result = schema['~standard'].validate(data);
  if (result instanceof Promise) {
    result.catch(() => undefined); // nobody waits for it
    throw new InvalidEventData(type, ['its schema is asynchronous; use a synchronous one']);
  }
  if (result.issues) throw new InvalidEventData(type, result.issues.map(issueText));
  const value = result.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.hasOwn(value, '__proto__')) {
    throw new InvalidEventData(type, ['the data of an event is a plain object']);
  }
  return value;
}

/** An event of data of which is known that it is its own. */
export function asItIs(eventClass: EventClass, data: object): EventInstance {
  const taken = { ...data };
  settled.add(taken);
  return eventFrom(eventClass, taken);
}

/** What a schema makes of the data, once it is certain that it makes the same of that wherever it arrives. */
function validated(type: string, schema: StandardSchemaV1, data: unknown): object {
  const value = accepted(type, schema, data);
  const kept = lasting(value, data, (arriving) => accepted(type, schema, arriving));
  if ('data' in kept) return kept.data;
  throw new InvalidEventData(type, [kept.why], 'would arrive as other data');
}

function nameOf(type: unknown): string {
  return typeof type === 'string' ? type.slice(0, 200) : `of type ${typeof type}`;
}
