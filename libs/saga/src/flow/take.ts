import { branchesOf } from '../protocol/branches.js';
import type { Cause, SagaHeaders } from '../protocol/envelope.js';
import { advance } from '../protocol/step-machine.js';
import type { Advance, Run, Verdict } from '../protocol/step-state.js';
import type { FenceRow, StoredEvent } from '../ports/fence-row.js';
import type { TimerKind } from '../ports/timers.js';
import type { BoundStep } from './bound-step.js';
import type { Delivery, StepResult } from './delivery.js';
import type { LogLine } from './failure/failure-report.js';
import { rowIn } from './draft.js';

/** What a happening makes of a row, and what is to be done next. */
export interface Taken {
  readonly row: FenceRow;
  readonly verdict: Verdict;
  readonly run?: Run;
  readonly emit?: Advance['emit'];
  /** What the step's method answered: the event to emit. */
  readonly event?: StoredEvent;
  /** An abort of the saga is requested, and why. */
  readonly abort?: Cause;
  /** Another attempt follows. */
  readonly parked?: boolean;
  /** What the log is told of it, once it is committed. */
  readonly report?: LogLine;
  /** Timers that are over, beside those that end with the row's status. */
  readonly ended?: readonly TimerKind[];
}

/** Takes a happening that carries a signal, or says that an attempt is due or was made. Results of methods are taken by `conclude`. */
export function take(delivery: Delivery, row: FenceRow): Taken {
  const { happening } = delivery;
  if (happening.type === 'attempt' && (happening.version ?? row.version) !== row.version)
    return { row, verdict: 'ignored' };
  if (happening.type === 'attempt' && row.dueIn === undefined) return { row, verdict: 'ignored' }; // another replica made it: the row waits for no attempt any more
  if (happening.type === 'attempt') return abandonedIfDoomed(delivery.bound, row) ?? dueAttempt(row);
  if (happening.type === 'failed') return dueAttempt(row);
  if (happening.type !== 'signal') return { row, verdict: 'ignored' };
  if (isOfAnotherVersion(delivery, row) && happening.signal.type !== 'started') return { row, verdict: 'anomaly' };
  if (row.settled && row.status === 'done' && happening.signal.type === 'successorClosed')
    return { row, verdict: 'anomaly' };
  const next = advance(delivery.bound.node, row, happening.signal);
  if (next.verdict !== 'handled') return takenForStarter(delivery, row) ?? { row, verdict: next.verdict };
  const { input, cause, causationId, startedBy } = happening;
  const informed = rowIn(next.state, row);
  if (row.dueIn !== undefined) informed.dueIn = row.dueIn;
  if (row.lastError !== undefined) informed.lastError = row.lastError;
  if (causationId !== undefined) informed.causationId = causationId;
  if (startedBy !== undefined && row.version === 0) informed.startedBy = startedBy.record;
  if (row.cause === undefined && cause) informed.cause = cause;
  if (input) informed.inputs = { ...row.inputs, [input.from]: input.event };
  return taken(informed, next);
}

/** A replica of an older version began the saga and did not write for which record: for this one, as far as can be told. */
function takenForStarter({ happening }: Delivery, row: FenceRow): Taken | undefined {
  if (happening.type !== 'signal' || happening.signal.type !== 'started' || row.version === 0) return undefined;
  const { startedBy, input } = happening;
  if (!startedBy || row.startedBy !== undefined) return undefined;
  const kept = row.inputs[row.step];
  const isSame = kept ? JSON.stringify(kept.data) === JSON.stringify(input?.event.data) : !startedBy.isLater;
  if (!isSame) return undefined;
  const { sagaId, headers } = row;
  const line = `The record ${startedBy.record} is taken for the one that started saga ${sagaId} ("${headers.sagaType}") in a version that told records by their keys; it starts nothing. If it is another one, start its saga by hand.`;
  return {
    row: { ...row, startedBy: startedBy.record },
    verdict: 'duplicate',
    ...(!kept && { report: { level: 'warn', line } }),
  };
}

/** A saga ends on the version that it began with: its events have no other. */
function isOfAnotherVersion({ bound }: Delivery, row: FenceRow): boolean {
  return row.version > 0 && row.headers.sagaVersion !== bound.saga.version;
}

/** Takes what a step's method came to. */
export function conclude(bound: BoundStep, row: FenceRow, result: StepResult): Taken {
  const next = advance(bound.node, row, { type: result.type });
  if (next.verdict !== 'handled') return { row, verdict: next.verdict, ...(next.run && { run: next.run }) };
  const settled = rowIn(next.state, row);
  if (result.type === 'effectRecorded') {
    settled.result = result.event;
    settled.headers = { ...keyed(bound, row, result.event), ...fannedOut(bound, result.event) };
  }
  if (result.type === 'skipped' || (result.type === 'rejected' && isAskedFor(bound))) settled.result = result.event;
  settled.inputs = next.run === 'compensation' ? closingsOf(bound, row) : {};
  return taken(settled, next, result.event);
}

/** Whoever starts a saga again with its key, or signals a step again, is told why it was refused. */
function isAskedFor({ node, saga }: BoundStep): boolean {
  return node.awaits !== undefined || node.name === saga.source;
}

/** What asked for the undo of a step while it ran. */
function closingsOf(bound: BoundStep, row: FenceRow): FenceRow['inputs'] {
  return Object.fromEntries(Object.entries(row.inputs).filter(([step]) => bound.node.successors.includes(step)));
}

/** The source's event keys the whole saga, where the definition names a business key. */
function keyed(bound: BoundStep, row: FenceRow, event: StoredEvent): SagaHeaders {
  const partitionKey = partitionKeyOf(bound, event);
  return partitionKey === undefined ? row.headers : { ...row.headers, partitionKey };
}

/** The source's event names the branches of the whole saga. */
function fannedOut({ saga, node }: BoundStep, event: StoredEvent): Pick<SagaHeaders, 'branches'> | undefined {
  const branches = node.name === saga.source ? branchesOf(saga, event.data) : undefined;
  return branches && { branches };
}

/** Nothing where the saga id is the key. */
export function partitionKeyOf({ saga, node }: BoundStep, event: StoredEvent): string | undefined {
  const { partitionBy, source } = saga;
  if (partitionBy === undefined || node.name !== source) return undefined;
  const key: unknown = Object.entries(event.data).find(([name]) => name === partitionBy)?.[1];
  return (typeof key === 'string' && key !== '') || typeof key === 'number' ? String(key) : undefined;
}

/** Work outside that surely had no effect so far is not attempted again only to be undone. */
export function abandonedIfDoomed(bound: BoundStep, row: FenceRow): Taken | undefined {
  if (!bound.node.external) return undefined;
  const next = advance(bound.node, row, { type: 'abandoned' });
  return next.verdict === 'handled' ? taken({ ...rowIn(next.state, row), inputs: {} }, next) : undefined;
}

function dueAttempt(row: FenceRow): Taken {
  if (row.status === 'running') return { row, verdict: 'handled', run: 'step' };
  if (row.status === 'compensating') return { row, verdict: 'handled', run: 'compensation' };
  return { row, verdict: 'ignored' };
}

function taken(row: FenceRow, { verdict, run, emit }: Advance, event?: StoredEvent): Taken {
  return { row, verdict, run, emit, event };
}
