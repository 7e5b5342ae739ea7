import { eventFrom } from '../definition/domain-event.js';
import { commitStep } from '../definition/nested.js';
import type { SagaGraph } from '../definition/saga-definition.js';
import type { Cause, Envelope, SagaHeaders } from '../protocol/envelope.js';
import { advance } from '../protocol/step-machine.js';
import { isClosed } from '../protocol/step-state.js';
import type { FenceKey, FenceRow } from '../ports/fence-row.js';
import { inputOf, rejectedBy } from './attempt.js';
import type { BoundStep } from './bound-step.js';
import type { Delivery, Settled } from './delivery.js';
import { rowIn } from './draft.js';
import { emission } from './emit.js';
import type { Ledger } from './ledger.js';
import { letterChanges, operationsOf, type Operations } from './letters.js';
import type { Participant } from './participant.js';
import { accepted } from './start.js';
import { conclude, type Taken } from './take.js';

/** What the rows on the other side make known, and what else is committed with them. */
export interface Followed {
  readonly emitted: readonly Envelope[];
  readonly operations?: Operations;
}

const nothing: Followed = { emitted: [] };

/**
 * The rows of other sagas that a delivery may move with its own: those of a step that is a saga of its own, and of that saga's source and commit step. All
 * of them are this service's, so one transaction moves them, and nobody sends word of it.
 */
export function linkedKeys(ground: Participant, { bound, sagaId, headers }: Delivery): readonly FenceKey[] {
  const { node, saga } = bound;
  if (node.nested) return [{ sagaId: childId(ground, sagaId, node.name), step: commitStep }];
  if (!headers.parent || bound.hears) return [];
  return node.name === saga.source || node.name === commitStep
    ? [{ sagaId: headers.parent.sagaId, step: headers.parent.step }]
    : [];
}

/** Whether a delivery may move rows of other sagas: most never do, and pay nothing for it. */
export function isLinked({ bound, headers }: Delivery): boolean {
  return bound.node.nested !== undefined || headers.parent !== undefined;
}

/** Begins the saga that a step is: its source is due at once. */
export function beginNested(
  ground: Participant,
  bound: BoundStep,
  row: FenceRow,
  input: unknown,
  ledger: Ledger,
): void {
  const { saga } = bound.node.nested!;
  const source = ledger.rowOf(deliveryTo(ground, saga, saga.source, childHeaders(ground, bound, row)));
  const given = { type: saga.steps[saga.source]!.on?.type ?? '', data: accepted(saga, input) as object };
  const { state } = advance(saga.steps[saga.source]!, source, { type: 'started' });
  const begun = rowIn(state, source);
  begun.inputs = { [saga.source]: given };
  begun.dueIn = 0;
  if (row.causationId !== undefined) begun.causationId = row.causationId;
  ledger.put(begun);
}

/**
 * What a delivery's row means to the rows of the sagas around and inside it. Asking twice changes nothing.
 *
 * @returns what those rows make known
 */
export function follow(ground: Participant, delivery: Delivery, { row, emitted }: Settled, ledger: Ledger): Followed {
  const { bound, happening } = delivery;
  const { node, saga } = bound;
  const linked = new Linked(ground, ledger);
  if (node.nested) {
    if (happening.type === 'committed') return linked.open(bound, row);
    return row.status === 'compensating' || isDoomed(bound, row) ? linked.close(bound, row) : nothing;
  }
  const parent = row.headers.parent;
  if (!parent || bound.hears) return nothing;
  if (happening.type === 'nestedDeadLetter') return linked.needsPerson(row, happening.reason);
  if (node.name === commitStep && row.status === 'running') return linked.done(bound, row);
  return node.name === saga.source && isClosed(row.status) ? linked.closed(row, emitted[0]?.cause) : nothing;
}

/** The rows on the other side. */
class Linked {
  constructor(
    private readonly ground: Participant,
    private readonly ledger: Ledger,
  ) {}

  /** The pivot of the saga around is done: the one inside is final. */
  open(bound: BoundStep, row: FenceRow): Followed {
    const { saga } = bound.node.nested!;
    const gate = deliveryTo(this.ground, saga, commitStep, childHeaders(this.ground, bound, row));
    const waiting = this.ledger.rowOf(gate);
    const { done } = saga.steps[commitStep]!.events;
    return waiting.status === 'running'
      ? this.put(
          gate,
          row,
          waiting,
          conclude(gate.bound, waiting, { type: 'effectRecorded', event: { type: done.type, data: {} } }),
        )
      : nothing;
  }

  /** The saga around needs nothing of the one inside any more: it closes backwards, from its commit step. */
  close(bound: BoundStep, row: FenceRow): Followed {
    const { saga } = bound.node.nested!;
    const gate = deliveryTo(this.ground, saga, commitStep, childHeaders(this.ground, bound, row));
    const found = this.ledger.rowOf(gate);
    const caused = row.cause ? { ...found, cause: row.cause } : found;
    if (found.status === 'running')
      return this.put(
        gate,
        row,
        found,
        conclude(gate.bound, caused, rejectedBy(gate.bound.node, row.cause?.reason ?? 'unknown')),
      );
    if (found.status !== 'none') return nothing;
    const { state, verdict, emit } = advance(gate.bound.node, caused, { type: 'abortRequested' });
    return this.put(gate, row, found, { row: rowIn(state, caused), verdict, ...(emit && { emit }) });
  }

  /** The saga inside has done all its steps: so is the step that it is. */
  done(bound: BoundStep, gate: FenceRow): Followed {
    const around = this.around(gate);
    const row = around && this.ledger.rowOf(around);
    if (row?.status !== 'running') return nothing;
    const { nested, events } = around!.bound.node;
    const last = inputOf(bound, gate) as never;
    const data = eventFrom(events.done, nested!.result ? nested!.result(last) : last);
    return this.put(
      around!,
      gate,
      row,
      conclude(around!.bound, row, { type: 'effectRecorded', event: { type: events.done.type, data } }),
    );
  }

  /** The saga inside is closed and has no effect any more. */
  closed(source: FenceRow, cause: Cause | undefined): Followed {
    const around = this.around(source);
    if (!around) return nothing;
    const row = this.ledger.rowOf(around);
    const { node } = around.bound;
    if (row.status === 'running')
      return this.put(
        around,
        source,
        row,
        conclude(around.bound, row, rejectedBy(node, (cause ?? source.cause)?.reason ?? 'unknown')),
      );
    if (row.status !== 'compensating' && row.status !== 'deadLettered') return nothing;
    const { compensated } = node.events.defaults;
    const { step, reason } = row.cause ?? { step: node.name, reason: 'unknown' };
    const event = { type: compensated.type, data: eventFrom(compensated, { failedStep: step, reason }) };
    const { state, verdict, emit } = advance(node, row, { type: row.status === 'compensating' ? 'undone' : 'resolve' });
    return this.put(around, source, row, {
      row: { ...rowIn(state, row), inputs: {} },
      verdict,
      ...(emit && { emit }),
      event,
    });
  }

  /** A step inside cannot be undone without a person: so neither can the step that the saga is. */
  needsPerson(gate: FenceRow, reason: string): Followed {
    const around = this.around(gate);
    const row = around && this.ledger.rowOf(around);
    if (row?.status !== 'compensating') return nothing;
    const failed = { ...row, lastError: reason };
    const { state, verdict, emit } = advance(around!.bound.node, failed, { type: 'undoExhausted' });
    return this.put(around!, gate, row, { row: { ...failed, ...state }, verdict, ...(emit && { emit }) });
  }

  private put(to: Delivery, from: FenceRow, before: FenceRow, { row, emit, event, run }: Taken): Followed {
    const moved = from.causationId === undefined ? row : { ...row, causationId: from.causationId };
    this.ledger.put(moved);
    const envelope = emit && emission(this.ground, to.bound, moved, emit, event);
    const further = run === 'compensation' ? this.close(to.bound, moved) : nothing;
    const operations = letterChanges(this.ground, to, before, moved, envelope?.data);
    return {
      emitted: [...(envelope ? [envelope] : []), ...further.emitted],
      operations: operationsOf([{ ...(operations && { operations }) }, further]),
    };
  }

  private around({ headers, step }: FenceRow): Delivery | undefined {
    const { sagaId, sagaType, sagaVersion, step: name } = headers.parent!;
    const bound = this.ground.steps.find({ name: sagaType, version: sagaVersion }, name);
    if (bound)
      return {
        sagaId,
        bound,
        headers: { ...headers, sagaId, sagaType, sagaVersion },
        happening: { type: 'committed' },
      };
    this.ground.logger.error(
      `Step "${step}" of saga ${headers.sagaId} cannot tell saga "${sagaType}" version ${sagaVersion}, whose step "${name}" it belongs to: this service has no method for that any more.`,
    );
    return undefined;
  }
}

function deliveryTo(ground: Participant, saga: SagaGraph, step: string, headers: SagaHeaders): Delivery {
  const bound = ground.steps.find(saga, step)!;
  return { sagaId: headers.sagaId, bound, headers, happening: { type: 'committed' } };
}

function childHeaders(ground: Participant, { node, saga }: BoundStep, { sagaId, headers }: FenceRow): SagaHeaders {
  const child = node.nested!.saga;
  const id = childId(ground, sagaId, node.name);
  return {
    sagaId: id,
    sagaType: child.name,
    sagaVersion: child.version,
    correlationId: headers.correlationId,
    partitionKey: id,
    parent: { sagaId, sagaType: saga.name, sagaVersion: saga.version, step: node.name },
    ...(headers.traceparent !== undefined && { traceparent: headers.traceparent }),
  };
}

/** A step is one saga, however often it is attempted. */
function childId({ chance }: Pick<Participant, 'chance'>, sagaId: string, step: string): string {
  return chance.derivedId(`${sagaId}:${step}`);
}

/** While the saga inside is under way, and nothing after the step is open any more. */
function isDoomed({ node }: BoundStep, row: FenceRow): boolean {
  return row.status === 'running' && node.successors.every((step) => row.successorsClosed.includes(step));
}
