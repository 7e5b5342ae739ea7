import type { IncomingRecord } from '../ports/transport.js';

/** A record of an outside event, as the application's own functions are given it. */
export interface OutsideRecord {
  readonly topic: string;
  /** Absent where the transport has none. */
  readonly partition?: number;
  readonly offset?: string;
  /** Empty for a record without one. */
  readonly key: string;
  /** Names as they were sent; values as text. */
  readonly headers: Readonly<Record<string, string>>;
  /** The value as text; empty when it is no UTF-8. */
  readonly value: string;
  readonly bytes: Uint8Array;
}

/** What an application says of the records of one outside event. */
export interface OutsideOptions {
  /**
   * What tells a record from others, and is the same when it is sent again: `({ headers }) => headers['id']`, or what its data says. It is
   * like the key of a start: `sagas.start(saga, input, { key })` with the same text finds the same saga. Asked only where a record has no CloudEvents
   * id. Nothing: the record is known by its topic, partition and offset.
   */
  readonly identity?: (record: OutsideRecord & { readonly data: unknown }) => string | undefined;
  /**
   * What the event's schema is given, of a record that is no plain JSON: Avro or Protobuf behind a schema registry, JSON in a JSON text, an envelope of a
   * change-data-capture tool. May be asynchronous. Nothing: the record starts nothing and is counted as ignored. What it throws makes the record
   * a dead letter; a `StepPostponed` has it come again.
   */
  readonly decode?: (record: OutsideRecord) => unknown;
}

/** By type of event. */
export type OutsideSettings = Readonly<Record<string, OutsideOptions>>;

export function outsideRecord({ origin, key, headers, value, raw }: IncomingRecord): OutsideRecord {
  const { topic, partition, offset } = origin;
  return {
    topic,
    ...(partition !== undefined && { partition }),
    ...(offset !== undefined && { offset }),
    key,
    headers,
    value,
    bytes: raw,
  };
}
