import type { WireMessage } from '../protocol/wire.js';

/** A record as it arrives. `value` is text unless it is no UTF-8; `raw` and `origin` are there for dead letters. */
export interface IncomingRecord {
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
  readonly key: string;
  readonly raw: Uint8Array;
  /** Where it came from: topic, partition and offset where the transport has them. */
  readonly origin: { readonly topic: string; readonly partition?: number; readonly offset?: string };
}

export interface Subscription {
  /** The consumer group: every group sees every record, members of a group share them. */
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Takes a batch. Records count as consumed when it resolves, that is, when whatever follows from them is durable;
   * when it rejects, the whole batch comes again after a pause.
   */
  readonly handle: (records: readonly IncomingRecord[]) => Promise<void>;
}

/** How a transport feels, for health checks. */
export interface TransportHealth {
  readonly up: boolean;
  readonly detail: string;
}

/**
 * Moves records between services.
 *
 * Guarantee: **at least once**. A record whose `publish` resolved reaches every group subscribed to its topic, and comes again until `handle` resolved for it.
 * Order and absence of duplicates are not promised.
 */
export interface Transport {
  /** Resolves when every message is as durable as the transport makes it; rejects when any may not be. */
  publish(messages: readonly WireMessage[]): Promise<void>;
  /** Starts to consume; resolves when the group is joined. Called before or after the first publish. */
  subscribe(subscription: Subscription): Promise<void>;
  /** Stops to consume and waits for batches in hand; publishing still works. */
  drain(): Promise<void>;
  /** Drains, then lets go of all connections. */
  close(): Promise<void>;
  health(): TransportHealth;
}

/** What a transport is told about the service that uses it. */
export interface TransportContext {
  readonly service: string;
  readonly logger: { error(message: string): void; warn(message: string): void; log(message: string): void };
}

export type TransportFactory = (context: TransportContext) => Transport;
