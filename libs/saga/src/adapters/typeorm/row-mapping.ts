import { messageId, type Cause, type Envelope } from '../../protocol/envelope.js';
import { parentFrom, parentText } from '../../protocol/parent.js';
import type { Branches } from '../../protocol/branches.js';
import type { StepStatus } from '../../protocol/step-state.js';
import type { FenceRow, Operated, StoredEvent } from '../../ports/fence-row.js';
import type { Undecided } from '../../protocol/undecided.js';
import type { OutboxMessage } from '../../ports/step-store.js';

/** A row of `saga_step` as JSON, where a point in time is a text. Empty sets and headers that equal the saga id are null: most rows have them so. */
export interface StepRecord {
  readonly saga_id: string;
  readonly step: string;
  readonly saga_type: string;
  readonly saga_version: number;
  readonly graph: string | null;
  readonly status: StepStatus;
  readonly predecessors_done: readonly string[] | null;
  readonly successors_closed: readonly string[] | null;
  readonly inputs: Readonly<Record<string, StoredEvent>> | null;
  readonly result: StoredEvent | null;
  readonly cause: Cause | null;
  readonly correlation_id: string | null;
  readonly partition_key: string | null;
  readonly branches: Branches | null;
  readonly traceparent: string | null;
  readonly parent: string | null;
  readonly causation_id: string | null;
  readonly attempts: number;
  readonly failing_since: string | null;
  /** `next_attempt_at` as the milliseconds that are left until then. */
  readonly due_in: number | null;
  readonly last_error: string | null;
  readonly operated: Operated | null;
  /** Since when nothing concerns the row; written as the moment of the save that first says so. */
  readonly settled_at: string | null;
  readonly undecided: Undecided | null;
  readonly started_by: string | null;
  readonly postponed: { readonly times: number; readonly since: string } | null;
  readonly version: number;
}

/** A record on its way to the table: its documents are texts of their own. */
export type WrittenRecord = {
  readonly [K in keyof StepRecord]: K extends
    'inputs' | 'result' | 'cause' | 'branches' | 'operated' | 'undecided' | 'postponed'
    ? string | null
    : StepRecord[K];
};

export function recordOf(row: FenceRow): WrittenRecord {
  const { sagaId, sagaType, sagaVersion, graph, correlationId, partitionKey, branches, traceparent, parent } =
    row.headers;
  return {
    saga_id: sagaId,
    step: row.step,
    saga_type: sagaType,
    saga_version: sagaVersion,
    graph: graph ?? null,
    status: row.status,
    predecessors_done: orNull(row.predecessorsDone),
    successors_closed: orNull(row.successorsClosed),
    inputs: Object.keys(row.inputs).length === 0 ? null : JSON.stringify(row.inputs),
    result: row.result ? JSON.stringify(row.result) : null,
    cause: row.cause ? JSON.stringify(row.cause) : null,
    correlation_id: correlationId === sagaId ? null : correlationId,
    partition_key: partitionKey === sagaId ? null : partitionKey,
    branches: branches ? JSON.stringify(branches) : null,
    traceparent: traceparent ?? null,
    parent: parent ? parentText(parent) : null,
    causation_id: row.causationId ?? null,
    attempts: row.attempts,
    failing_since: row.failingSince?.toISOString() ?? null,
    due_in: row.dueIn ?? null,
    last_error: row.lastError ?? null,
    operated: row.operated ? JSON.stringify(row.operated) : null,
    settled_at: row.settled ? new Date(0).toISOString() : null,
    undecided: row.undecided ? JSON.stringify(row.undecided) : null,
    started_by: row.startedBy ?? null,
    postponed: row.postponed ? JSON.stringify(row.postponed) : null,
    version: row.version + 1,
  };
}

export function rowOf(record: StepRecord): FenceRow {
  const parent = record.parent === null ? undefined : parentFrom(record.parent);
  return {
    sagaId: record.saga_id,
    step: record.step,
    status: record.status,
    predecessorsDone: record.predecessors_done ?? [],
    successorsClosed: record.successors_closed ?? [],
    headers: {
      sagaId: record.saga_id,
      sagaType: record.saga_type,
      sagaVersion: record.saga_version,
      ...(record.graph !== null && { graph: record.graph }),
      correlationId: record.correlation_id ?? record.saga_id,
      partitionKey: record.partition_key ?? record.saga_id,
      ...(record.branches && { branches: record.branches }),
      ...(record.traceparent !== null && { traceparent: record.traceparent }),
      ...(parent && { parent }),
    },
    inputs: record.inputs ?? {},
    ...(record.result && { result: record.result }),
    ...(record.cause && { cause: record.cause }),
    ...(record.causation_id !== null && { causationId: record.causation_id }),
    attempts: record.attempts,
    ...(record.failing_since && { failingSince: new Date(record.failing_since) }),
    ...(record.due_in !== null && { dueIn: record.due_in }),
    ...(record.last_error !== null && { lastError: record.last_error }),
    ...(record.operated && { operated: record.operated }),
    ...(record.settled_at !== null && { settled: true }),
    ...(record.undecided && { undecided: record.undecided }),
    ...(record.started_by !== null && { startedBy: record.started_by }),
    ...(record.postponed && {
      postponed: { times: record.postponed.times, since: new Date(record.postponed.since) },
    }),
    version: record.version,
  };
}

/** An outbox event without what can be derived from the rest. */
type PackedEvent = Omit<Envelope, 'id' | 'correlationId' | 'partitionKey'> &
  Partial<Pick<Envelope, 'id' | 'correlationId' | 'partitionKey'>>;

export function packed({ event }: OutboxMessage): PackedEvent {
  const { id, correlationId, partitionKey, ...rest } = event;
  return {
    ...rest,
    ...(id !== messageId(event.sagaId, event.step, event.outcome) && { id }),
    ...(correlationId !== event.sagaId && { correlationId }),
    ...(partitionKey !== event.sagaId && { partitionKey }),
  };
}

export function unpacked(id: string, event: PackedEvent): OutboxMessage {
  const { sagaId, step, outcome } = event;
  return { id, event: { correlationId: sagaId, partitionKey: sagaId, id: messageId(sagaId, step, outcome), ...event } };
}

function orNull(names: readonly string[]): readonly string[] | null {
  return names.length === 0 ? null : names;
}
