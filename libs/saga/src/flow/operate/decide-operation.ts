import { eventFrom } from '../../definition/domain-event.js';
import type { OperatorVerdict } from '../../ports/audit-log.js';
import type { DeadLetter } from '../../ports/dead-letters.js';
import type { FenceRow, Operated, StoredEvent } from '../../ports/fence-row.js';
import { advance } from '../../protocol/step-machine.js';
import { shortened } from '../../protocol/reason.js';
import { rejectedBy } from '../attempt.js';
import type { BoundStep } from '../bound-step.js';
import type { StepResult } from '../delivery.js';
import { rowIn } from '../draft.js';
import { known } from '../failure/intent.js';
import { isWaiting } from '../time/give-up.js';
import { settledAs } from './letters.js';
import type { Operation } from './operation.js';
import { conclude, type Taken } from '../take.js';

/** What a word comes to; `taken` is there when it changes the row. */
export interface Decision {
  readonly verdict: OperatorVerdict;
  readonly because: string;
  readonly taken?: Taken;
}

type Resolve = Extract<Operation, { readonly verb: 'resolve' }>;

/**
 * What an operator's word makes of a row, given only the row as it is now, under its lock. The machine refuses what the protocol
 * forbids; a word that was given before is known by the row. Nobody's word moves a step that is being attempted outside the database.
 */
export function decideOperation(bound: BoundStep, row: FenceRow, operation: Operation): Decision {
  const settled = operation.letter?.settled;
  if (settled) return settledBefore(settled, operation);
  const decision = decisions[operation.verb](bound, row, operation as never);
  if (!decision.taken) return decision;
  return {
    ...decision,
    taken: { ...decision.taken, row: { ...decision.taken.row, operated: wordOf(row, operation) } },
  };
}

const decisions = { redrive, resolve, waive };

function redrive(bound: BoundStep, row: FenceRow): Decision {
  const { status, dueIn } = row;
  if (status === 'deadLettered') {
    const next = advance(bound.node, row, { type: 'redrive' });
    return applied('its compensation is attempted again', {
      row: rowIn(next.state, row),
      verdict: 'handled',
      run: 'compensation',
    });
  }
  if (status !== 'running' && status !== 'compensating') {
    return row.operated?.verb === 'redrive'
      ? already(`it was redriven by ${row.operated.actor} and is ${status} now`)
      : refused(`it is ${status}${saidBefore(row)}: no attempt waits to be made`);
  }
  if (isWaiting(bound, row))
    return refused('it waits for a signal, and for no attempt: give the signal, or resolve it');
  if (dueIn !== undefined && (bound.node.external || row.attempts === 0))
    return already('an attempt is being made, or due, already');
  return applied('its next attempt is due now', { row: afresh(row), verdict: 'handled' });
}

function resolve(bound: BoundStep, row: FenceRow, operation: Resolve): Decision {
  const { operated, status } = row;
  if (operated?.verb === 'resolve' && operated.as === operation.as && !isOpen(status))
    return already(`it was resolved by ${operated.actor} and is ${status} now`);
  if (operation.as === 'compensated') return compensatedByHand(bound, row, operation);
  if (status !== 'running') return refused(`it is ${status}: whether it was done is no question`);
  return operation.as === 'done' ? done(bound, row, operation) : notDone(bound, row, operation);
}

function done(bound: BoundStep, row: FenceRow, { event }: Resolve): Decision {
  const effect: StepResult = { type: 'effectRecorded', event: event ?? { type: '', data: {} } };
  return concluded(bound, row, effect, 'it counts as done');
}

/** A step that must be done is attempted again; another one is rejected, when nothing can come of an attempt any more. */
function notDone(bound: BoundStep, row: FenceRow, { event, actor, reason }: Resolve): Decision {
  const { node } = bound;
  if (node.external && row.dueIn !== undefined)
    return refused('an attempt is being made, or due, and may still have its effect; wait until it is parked');
  if (node.role === 'retriable') {
    const again = row.operated?.verb === 'resolve' && row.attempts === 0;
    if (again) return already(`it was resolved by ${row.operated.actor} and is attempted again`);
    const sure = known(bound, row, { type: 'notHappened' });
    return applied('it must be done and is attempted again', { row: afresh(sure), verdict: 'handled' });
  }
  const rejection = event ?? rejectedBy(node, `resolved by ${actor}: ${reason}`).event;
  return concluded(bound, row, { type: 'rejected', event: rejection }, 'it counts as rejected');
}

function compensatedByHand(bound: BoundStep, row: FenceRow, { event, actor, reason }: Resolve): Decision {
  if (row.status !== 'deadLettered') return notDeadLettered(row);
  const undone = event ?? closing(bound, row, `resolved by ${actor}: ${reason}`);
  return closed(bound, row, undone, 'resolve', 'its effect counts as undone');
}

function waive(bound: BoundStep, row: FenceRow, { actor, reason }: Operation): Decision {
  if (row.operated?.verb === 'waive') return already(`it was waived by ${row.operated.actor}`);
  if (row.status !== 'deadLettered') return notDeadLettered(row);
  const undone = closing(bound, row, `waived by ${actor}: ${reason}`);
  return closed(bound, row, undone, 'waive', 'its effect stays and is noted as a debt');
}

function closed(
  bound: BoundStep,
  row: FenceRow,
  event: StoredEvent,
  type: 'resolve' | 'waive',
  because: string,
): Decision {
  const { state, verdict, emit } = advance(bound.node, row, { type });
  return applied(because, { row: { ...rowIn(state, row), inputs: {} }, verdict, emit, event });
}

function concluded(bound: BoundStep, row: FenceRow, result: StepResult, because: string): Decision {
  const taken = conclude(bound, row, result);
  return taken.verdict === 'handled' ? applied(because, taken) : refused(`it is ${row.status}`);
}

function closing({ node }: BoundStep, row: FenceRow, reason: string): StoredEvent {
  const eventClass = node.events.defaults.compensated;
  const data = { failedStep: row.cause?.step ?? row.step, reason: shortened(reason) };
  return { type: eventClass.type, data: eventFrom(eventClass, data) };
}

/** The row with all its attempts before it. */
function afresh(row: FenceRow): FenceRow {
  const { failingSince: _since, postponed: _postponed, ...rest } = row;
  return { ...rest, attempts: 0, dueIn: 0 };
}

function wordOf({ operated }: FenceRow, operation: Operation): Operated {
  const redriven = (operated?.redriven ?? 0) + (operation.verb === 'redrive' ? 1 : 0);
  const { verb, actor } = operation;
  return { verb, actor, redriven, ...(operation.verb === 'resolve' && { as: operation.as }) };
}

/** Somebody settled the letter that the word is about. The step may wait with another one: that is another question. */
function settledBefore({ as, by }: NonNullable<DeadLetter['settled']>, { verb }: Operation): Decision {
  const because = by === '' ? 'what this letter waited for happened meanwhile' : `this letter was ${as} by ${by}`;
  return as === settledAs[verb] ? already(because) : refused(because);
}

function notDeadLettered(row: FenceRow): Decision {
  const { status } = row;
  const waits = status === 'compensating' ? '; its compensation is attempted, wait for what comes of it' : '';
  return refused(`it is ${status}${saidBefore(row)}, no dead letter${waits}`);
}

function saidBefore({ operated }: FenceRow): string {
  return operated ? ` (${operated.actor} said ${operated.verb})` : '';
}

function isOpen(status: FenceRow['status']): boolean {
  return status === 'running' || status === 'deadLettered';
}

function applied(because: string, taken: Taken): Decision {
  return { verdict: 'applied', because, taken };
}

function already(because: string): Decision {
  return { verdict: 'alreadyApplied', because };
}

function refused(because: string): Decision {
  return { verdict: 'refused', because };
}
