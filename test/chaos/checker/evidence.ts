import type { Mail } from '../../../scripts/services/mail.js';
import type { LogRecord } from '../world/kafka-log.js';
import type { ServiceName } from '../world/replica.js';
import type { PoisonKind } from '../world/poison.js';

/** A start that was acknowledged to its client. */
export interface Acknowledged {
  readonly key: string;
  readonly user: string;
  readonly sagaId: string;
  readonly taskId: string;
}

/** A user's places; all of them go when enough tasks ask for them. */
export interface Places {
  readonly user: string;
  readonly capacity: number;
  readonly reachable: boolean;
}

export interface TaskRow {
  readonly id: string;
  readonly saga_id: string;
  readonly title: string;
  readonly assignee_id: string;
  readonly status: string;
  readonly failed_step: string | null;
  readonly failure_reason: string | null;
}

export interface FenceRecord {
  readonly service: ServiceName;
  readonly saga_id: string;
  readonly step: string;
  readonly status: string;
  readonly predecessors_done: readonly string[] | null;
  readonly successors_closed: readonly string[] | null;
  readonly version: number;
  readonly due: boolean;
  readonly last_error: string | null;
}

/** A committed change that a trigger noted. */
export interface AuditEntry {
  readonly service: ServiceName;
  readonly seq: number;
  /** Microseconds, on the clock that all databases share. */
  readonly at: number;
  readonly table: string;
  readonly operation: 'INSERT' | 'UPDATE' | 'DELETE';
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
}

/** A dead letter in a service's own store. */
export interface KeptLetter {
  readonly service: ServiceName;
  readonly kind: string;
  readonly saga_id: string | null;
  readonly step: string | null;
  readonly audience: string | null;
  readonly reason: string;
  /** The name of the poison that it holds, if it does. */
  readonly poison: string | null;
  readonly open: boolean;
}

export interface Lag {
  readonly group: string;
  readonly place: string;
  readonly behind: number;
}

export interface Instance {
  readonly saga_id: string;
  readonly status: string;
  readonly inconsistencies: readonly string[];
}

/** All that the checker looks at: durable stores, what clients were told, and what the nemesis put in. Nothing from inside a process. */
export interface Evidence {
  readonly acknowledged: readonly Acknowledged[];
  readonly places: readonly Places[];
  /** Whether a fault made handlers fail until their attempts were used up: then a healthy request may be refused. */
  readonly mayGiveUp: ReadonlySet<string>;
  readonly tasks: readonly TaskRow[];
  readonly assignments: readonly { readonly saga_id: string; readonly user_id: string }[];
  readonly fences: readonly FenceRecord[];
  readonly audit: readonly AuditEntry[];
  readonly outbox: readonly { readonly service: ServiceName; readonly id: string; readonly messageId: string }[];
  readonly kept: readonly KeptLetter[];
  /** Timers, locks and waits for locks. */
  readonly leftovers: readonly { readonly service: ServiceName; readonly table: string; readonly saga_id: string }[];
  readonly instances: readonly Instance[];
  readonly trackedIds: ReadonlySet<string>;
  readonly log: readonly LogRecord[];
  /** The events of compensations that became dead letters: they have a topic of their own. */
  readonly failures: readonly LogRecord[];
  readonly letters: readonly LogRecord[];
  readonly poison: ReadonlyMap<string, PoisonKind>;
  readonly lags: readonly Lag[];
  readonly mails: readonly Pick<Mail, 'messageId' | 'text'>[];
  readonly openTransactions: readonly string[];
}
