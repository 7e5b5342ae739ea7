import type { Board } from './board.js';
import { SagaError } from '../protocol/errors.js';
import type { WireMessage } from '../protocol/wire.js';

/** A record as it arrives. `raw` (the bytes of the value) and `origin` are there for dead letters. */
export interface IncomingRecord {
  readonly headers: Readonly<Record<string, string>>;
  /** Empty when the record has none or `malformed` says why it cannot be read. */
  readonly value: string;
  readonly key: string;
  readonly raw: Uint8Array;
  /** Why the value is no text. */
  readonly malformed?: string;
  /**
   * Where it came from: topic, partition and offset where the transport has them. `stamp` tells it from another at the same place of a topic that was made
   * anew, and is the same when it comes again: when it was written (Kafka, ms since 1970), or which bus it was on (in memory).
   */
  readonly origin: {
    readonly topic: string;
    readonly partition?: number;
    readonly offset?: string;
    readonly stamp?: string;
  };
  /** When it was published, in ms, as the transport has it. */
  readonly at?: number;
}

export interface Subscription {
  /** The consumer group: every group sees every record, members of a group share them. */
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Takes a batch. Records count as consumed when it resolves, that is, when whatever follows from them is durable;
   * when it rejects, the whole batch comes again after a pause. Called again while earlier batches are still in hand.
   */
  readonly handle: (records: readonly IncomingRecord[]) => Promise<void>;
}

/** How something feels, and since when. `unknown`: it has not answered (yet), or nobody may look. */
export interface Standing {
  readonly status: 'up' | 'down' | 'unknown';
  readonly since: Date;
  readonly detail: string;
}

/** How a consumer group of this service feels, as seen from this process. */
export interface GroupStanding extends Standing {
  readonly group: string;
  /** The partitions that this process consumes, by topic; other replicas have the others. */
  readonly assignment: Readonly<Record<string, readonly number[]>>;
  /** How many records of these partitions are not handled yet, as of the last fetch of each; absent while it is unknown. */
  readonly lag?: number;
}

/** Something about topics and groups for which sagas wait or records are lost, or would be. */
export interface TransportFinding {
  /** Such as `TOPIC_COMPACTED`, `GROUP_SHARED` or `RECORDS_UNREADABLE`; all are in docs/operations.md. */
  readonly code: string;
  /** `error`: something is not consumed, or lost. `warning`: it would be, in an outage. `note`: it cannot be looked at from here. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly since: Date;
  /** A sentence: what is so, what follows, what to do. */
  readonly detail: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly group?: string;
}

/** How a transport feels, for health checks. */
export interface TransportHealth {
  /** It carries events, and there is no finding of severity `error`. */
  readonly up: boolean;
  readonly detail: string;
  /** Where the transport tells them apart: whether it publishes, */
  readonly publishing?: Standing;
  /** whether and what each group consumes, */
  readonly groups?: readonly GroupStanding[];
  /** and what it found about topics and groups. */
  readonly findings?: readonly TransportFinding[];
}

/**
 * Moves records between services.
 *
 * Guarantee: **at least once**. A record whose `publish` resolved reaches every group subscribed to its topic, and comes again until `handle` resolved for it.
 * Order and absence of duplicates are not promised.
 */
export interface Transport {
  /**
   * Resolves when every message is as durable as the transport makes it. An empty list is fine.
   *
   * @throws PublishFailed naming the messages that may not be; all others of the call are
   */
  publish(messages: readonly WireMessage[]): Promise<void>;
  /** Starts to consume, from the oldest record that the group has not consumed; resolves when the group is joined. Called before or after the first publish. */
  subscribe(subscription: Subscription): Promise<void>;
  /** Stops to consume for good and waits for batches in hand; publishing still works. */
  drain(): Promise<void>;
  /** Drains, then lets go of all connections. */
  close(): Promise<void>;
  /** At once, from what is known: it asks nobody. */
  health(): TransportHealth;
  /**
   * Whether one of these groups has consumed records before, in this process or another. Left out by a transport whose records do not outlive the process.
   * Rejects when nobody can tell.
   */
  hasConsumed?(groups: readonly string[]): Promise<boolean>;
  readonly lifetimes: RecordLifetimes;
  /** Where services tell each other what they have; without one they work, and find nothing that does not fit. */
  readonly board?: Board;
}

/** For how long a record that was published may come again. */
export interface RecordLifetimes {
  /** By topic, in ms, as the topics are configured now: `Infinity` where records are never forgotten, 0 where none outlives the process. Rejects when nobody can tell. */
  of(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** What a transport is told about the service that uses it. */
export interface TransportContext {
  readonly service: string;
  readonly logger: {
    error(message: string): void;
    warn(message: string): void;
    log(message: string): void;
    /** Told of details, where they are wanted. */
    debug?(message: string): void;
  };
}

export type TransportFactory = (context: TransportContext) => Transport;

/** A message that may not have been published. */
export interface Unpublished {
  readonly message: WireMessage;
  readonly reason: string;
  /** Whether the same message may be published later; false: the transport will never take it. */
  readonly retriable: boolean;
}

/** Some messages of a call may not have been published; all others of the call were. */
export class PublishFailed extends SagaError {
  constructor(
    readonly unpublished: readonly Unpublished[],
    options?: ErrorOptions,
  ) {
    const retriable = unpublished.every((one) => one.retriable);
    super('PUBLISH_FAILED', `May not have been published: ${told(unpublished)}`, { retriable }, options);
    this.name = 'PublishFailed';
  }
}

/** The transport was used after it was closed, or asked to consume after it was drained. */
export class TransportClosed extends SagaError {
  constructor(what: string) {
    super('TRANSPORT_CLOSED', `${what} Make a new transport from its factory.`, { retriable: false });
    this.name = 'TransportClosed';
  }
}

function told(unpublished: readonly Unpublished[]): string {
  const some = unpublished.slice(0, 3).map(({ message, reason, retriable }) => {
    const event = message.headers['ce_id'] ?? `key "${message.key}"`;
    return `${event} to topic "${message.topic}": ${reason}${retriable ? '' : ' (it can never be published)'}`;
  });
  return some.join('; ') + (unpublished.length > some.length ? '; …' : '');
}
