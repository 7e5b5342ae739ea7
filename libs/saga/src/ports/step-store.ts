import type { Envelope } from '../protocol/envelope.js';
import { SagaError } from '../protocol/errors.js';
import { reasonOf } from '../protocol/reason.js';
import type { AuditLog, NewAuditEntry } from './audit-log.js';
import type { DeadLetters, LetterSettlement, NewDeadLetter } from './dead-letters.js';
import type { FenceKey, FenceRow } from './fence-row.js';
import type { StoreRetention } from './retention.js';
import type { RunningTimer, TimerKey, TimerKind, Timers } from './timers.js';

/** An event waiting to be published. `id` is minted by us and sorts by time. */
export interface OutboxMessage {
  readonly id: string;
  readonly event: Envelope;
}

/** What a transaction writes of the library's own, in one statement. */
export interface Changes {
  /** Rows as they shall be; `version` is the one that was read. */
  readonly rows: readonly FenceRow[];
  readonly staged: readonly OutboxMessage[];
  /** Outbox messages published earlier, to be deleted with this commit. */
  readonly published: readonly string[];
  /** Timers to be set; one that runs already stays as it is. */
  readonly timersSet?: readonly RunningTimer[];
  readonly timersEnded?: readonly TimerKey[];
  readonly letters?: readonly NewDeadLetter[];
  readonly settlements?: readonly LetterSettlement[];
  readonly audited?: readonly NewAuditEntry[];
}

/** Who is in a transaction. */
export interface TransactionOptions {
  /** Steps of several sagas: a method that changes it beyond its rows, as far as that can be seen, rejects with `OwnTransactionNeeded`, and the transaction is void. */
  readonly isShared?: boolean;
}

/** What is known of a method before it is called. */
export interface RunOptions {
  /** It changes the transaction beyond its rows, and maybe not so that it can be seen. */
  readonly changesSettings?: boolean;
}

/** An open transaction that holds the fence rows it was opened with. */
export interface StepTransaction {
  /** The rows that exist, of the keys that were asked for, each once. */
  readonly rows: readonly FenceRow[];
  /** Runs a user's method inside the transaction: whatever it writes through the store's own database client joins it. */
  run<T>(method: () => Promise<T>, how?: RunOptions): Promise<T>;
  /**
   * Writes, at the latest with the commit. When a row was changed or made by somebody else since it was read, or an audit entry is there
   * already, the transaction rejects with `FenceConflict`.
   */
  save(changes: Changes): Promise<void>;
  /** Which of these timers have ended by the store's clock, as it is now and not when the transaction began; whoever has claimed them. */
  overdue(timers: readonly TimerKey[]): Promise<readonly TimerKind[]>;
  /** The store's own client for this transaction (an `EntityManager` for TypeORM). */
  readonly manager: unknown;
}

/**
 * Where fence rows and the outbox live, beside the business data.
 *
 * Guarantee: what `transaction` did (its saves, and what `run` wrote) is committed together when it resolves and not at all when it rejects.
 * Two transactions never change the same row on the same version. Durable once resolved. What the database's own trouble does to a transaction is a
 * `StoreFailure` that says where; what `work` threw comes out as it is, and what was wrong with what it wrote as the database says it.
 */
export interface StepStore {
  /**
   * Locks and reads the rows of `keys`, runs `work`, commits.
   *
   * @throws FenceConflict
   * @throws TransactionLost when somebody else ended it: what methods wrote may be committed, nothing of the library's is
   */
  transaction<T>(
    keys: readonly FenceKey[],
    work: (transaction: StepTransaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
  /**
   * Rows whose next attempt is due, longest due first, at most `limit`, as they are now: not due again for `leaseMs`, so that others leave them alone.
   * Rows that a transaction holds are passed over.
   */
  claimDue(limit: number, leaseMs: number): Promise<readonly FenceRow[]>;
  /**
   * A transaction of the caller's, open on the store's own client, to work in; a store that is no database has none.
   *
   * @throws SagaError `INVALID_MANAGER` for what is none that can be joined
   */
  joining?(manager: unknown): Promise<CallersTransaction>;
  /** In how many milliseconds the earliest attempt becomes due, if any waits; not above 0 when one is due. */
  nextDue(): Promise<number | undefined>;
  /** All rows of a saga in this store. */
  find(sagaId: string): Promise<readonly FenceRow[]>;
  /** When a row was last saved, by the store's own clock; nothing where there is none. */
  savedAt(key: FenceKey): Promise<Date | undefined>;
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly deadLetters: DeadLetters;
  readonly audit: AuditLog;
  readonly retention: StoreRetention;
}

/**
 * A transaction that somebody else began and will end, on whose connection alone the store works in it.
 *
 * Guarantee: what `transaction` did is committed or rolled back with it. When `transaction` rejects, nothing of it is left and the caller's transaction is
 * as it was before.
 */
export interface CallersTransaction extends Pick<StepStore, 'transaction' | 'find'> {
  /**
   * Calls back once after the outermost commit, if that holds what `transaction` saved last: what the store holds then tells, so never for what was rolled
   * back, in whole or in part. Best effort: after a crash the outbox is swept.
   */
  afterCommit(call: () => void): void;
}

/** The safety net behind the relay: messages that were committed but, as far as anyone knows, not published. */
export interface Outbox {
  /**
   * Hands over up to `limit` messages that are older than `olderThanMs`, oldest first, to `publish`, and deletes exactly those whose ids
   * it resolves to; none when it rejects. Messages in the hands of another caller are passed over. Resolves to how many were published.
   */
  sweep(
    limit: number,
    olderThanMs: number,
    publish: (messages: readonly OutboxMessage[]) => Promise<readonly string[]>,
  ): Promise<number>;
  /** Deletes exactly these messages. */
  delete(ids: readonly string[]): Promise<void>;
  /** How many wait, and since when the oldest does. */
  backlog(): Promise<{ readonly size: number; readonly oldest?: Date }>;
}

/** Where a transaction failed: `method` is a query of a user's method, on the transaction's own connection. */
export type StorePhase = 'begin' | 'read' | 'method' | 'save' | 'commit';

/**
 * Trouble of the database, which is charged to no step: the transaction may be repeated. Its work was done only in the phases from `method` on.
 * With the outcome `unknown` its commit was sent and not answered: whether it is committed, its rows tell whoever reads them next.
 */
export class StoreFailure extends Error {
  readonly code = 'STORE_FAILURE';

  constructor(
    readonly phase: StorePhase,
    options: { readonly cause: unknown; readonly outcome?: 'rolledBack' | 'unknown' },
  ) {
    super(`The database failed a transaction (${phase}): ${reasonOf(options.cause)}`, { cause: options.cause });
    this.name = 'StoreFailure';
    this.outcome = options.outcome ?? 'rolledBack';
  }

  readonly outcome: 'rolledBack' | 'unknown';
}

/** Somebody else changed the row since it was read; the transaction is void and may be repeated. */
export class FenceConflict extends SagaError {
  constructor(options?: ErrorOptions) {
    super(
      'FENCE_CONFLICT',
      'Other transactions changed the same rows each time that this one was made; nothing of it is left, and it may be repeated.',
      { retriable: true },
      options,
    );
    this.name = 'FenceConflict';
  }
}

/** Somebody keeps rows locked that the transaction needs, or is about to make them; nothing of it is left, and it is made again later. */
export class RowsLocked extends FenceConflict {
  override readonly name = 'RowsLocked';
}

/** A step's method changes its transaction beyond its rows (a setting, a temporary table), and has it with others: it is repeated in one of its own. */
export class OwnTransactionNeeded extends Error {
  readonly code = 'OWN_TRANSACTION_NEEDED';

  constructor(readonly what: string) {
    super(
      `A saga step changes its transaction (${what}), which it shares with other steps; it is repeated in one of its own. Say transaction: 'own' in the options of its decorator to have it so from the start.`,
    );
    this.name = 'OwnTransactionNeeded';
  }
}

/**
 * The transaction was ended by somebody else before its commit: nothing of the library's was written, and what its methods wrote may be committed. Nobody knows
 * what of their effects there is, so no member of it may be repeated or called rejected.
 */
export class TransactionLost extends Error {
  readonly code = 'TRANSACTION_LOST';

  constructor(options?: ErrorOptions) {
    super(
      'The transaction of a saga step was ended by somebody else than the library, so what the step wrote may be committed without its event. Find out who ends it: a proxy or a driver that commits by itself, or a connection used behind the back of the DataSource.',
      options,
    );
    this.name = 'TransactionLost';
  }
}
