import { eventFrom } from '../../definition/domain-event.js';
import { fingerprintOf } from '../../definition/fingerprint.js';
import { commitStep } from '../../definition/nested.js';
import type { SagaGraph } from '../../definition/saga-definition.js';
import type { Cause, Envelope, SagaHeaders } from '../../protocol/envelope.js';
import { reasonOf } from '../../protocol/reason.js';
import { advance } from '../../protocol/step-machine.js';
import type { FenceRow } from '../../ports/fence-row.js';
import { abortEvent } from '../abort-event.js';
import { inputOf, rejectedBy } from '../attempt.js';
import type { BoundStep } from '../bound-step.js';
import type { Delivery, StepResult } from '../delivery.js';
import { rowIn } from '../draft.js';
import { emission } from '../emit.js';
import { fitting } from '../fitting.js';
import { givenUp, mayGiveUp } from '../time/give-up.js';
import { inItsGraph } from '../in-its-graph.js';
import type { Ledger } from '../ledger.js';
import { letterChanges, operationsOf, type Operations } from '../operate/letters.js';
import type { Participant } from '../participant.js';
import { kept } from '../retention/retention.js';
import { conclude, type Taken } from '../take.js';

/** What the rows on the other side make known, and what else is committed with them. */
export interface Followed {
  readonly emitted: readonly Envelope[];
  readonly operations?: Operations;
}

const nothing: Followed = { emitted: [] };
const unsaid: Cause = { step: 'abort', reason: 'unknown' };

/** The rows on the other side of a step that is a saga of its own: asking twice changes nothing. */
export class LinkedRows {
  constructor(
    private readonly ground: Participant,
    private readonly ledger: Ledger,
  ) {}

  /** The pivot of the saga around is done: the one inside is final. */
  open(bound: BoundStep, row: FenceRow): Followed {
    const { gate, found } = this.gateOf(bound, row);
    const { done } = gate.bound.node.events;
    const event = { type: done.type, data: {} };
    return found.status === 'running'
      ? this.put(gate, row, found, conclude(gate.bound, found, { type: 'effectRecorded', event }))
      : nothing;
  }

  /** The saga around needs nothing of the one inside any more: it closes backwards, from its commit step. */
  close(bound: BoundStep, row: FenceRow): Followed {
    const { gate, found, source } = this.gateOf(bound, row);
    const caused = row.cause ? { ...found, cause: row.cause } : found;
    if (found.status === 'running')
      return this.put(
        gate,
        row,
        found,
        conclude(gate.bound, caused, rejectedBy(gate.bound.node, row.cause?.reason ?? 'unknown')),
      );
    if (found.status !== 'none') return nothing;
    if (source.status === 'none') return this.closed(source, row.cause); // only the row around, which is locked, would begin it
    // A saga that fans out can be closed once its source has named the branches.
    const isNamed = gate.bound.saga.fanOuts.length === 0 || source.status !== 'running';
    if (!isNamed) return this.giveUpSource(bound, row, source);
    const { state, verdict, emit } = advance(gate.bound.node, caused, { type: 'abortRequested' });
    const closing = this.put(gate, row, found, { row: rowIn(state, caused), verdict, ...(emit && { emit }) });
    if (source.status !== 'running' && source.status !== 'done') return closing;
    const asked = abortEvent(this.ground, source.headers, row.cause ?? unsaid); // what fails inside is not attempted to the end
    return { ...closing, emitted: [...closing.emitted, asked] };
  }

  /** The source of the saga inside is done: it may have been closed for while it ran. */
  begun(source: FenceRow): Followed {
    const around = this.around(source);
    return around && isOver(around.bound, around.row) ? this.close(around.bound, around.row) : nothing;
  }

  /** The saga inside has done all its steps: so is the step that it is. */
  done(bound: BoundStep, gate: FenceRow): Followed {
    const around = this.around(gate);
    if (around?.row.status !== 'running') return nothing;
    const { to, row } = around;
    try {
      return this.put(to, gate, row, conclude(to.bound, row, this.resultOf(to.bound, inputOf(bound, gate))));
    } catch (error) {
      return this.withoutResult(bound, gate, reasonOf(error));
    }
  }

  /** @throws whatever the definition's `result` throws, and what the event's schema has against its answer */
  private resultOf(bound: BoundStep, last: unknown): StepResult {
    const { nested, events } = bound.node;
    const data = eventFrom(events.done, nested!.result ? nested!.result(last as never) : last);
    const event = { type: events.done.type, data };
    return fitting(bound, { type: 'effectRecorded', event }, this.ground.settings.maxEventBytes);
  }

  /** A pure function fails the same every time: what the saga inside did is undone. */
  private withoutResult(bound: BoundStep, gate: FenceRow, why: string): Followed {
    const reason = `nothing can be made of its result: ${why}`;
    const line = `The nested saga "${bound.saga.name}" ${gate.sagaId} is undone, because ${reason}`;
    this.ledger.tell({ level: 'error', line });
    const { sagaId, headers } = gate;
    const to: Delivery = { sagaId, bound, headers, happening: { type: 'committed' } };
    return this.put(to, gate, gate, conclude(bound, gate, rejectedBy(bound.node, reason)));
  }

  /** The saga inside is closed and has no effect any more. */
  closed(source: FenceRow, cause: Cause | undefined): Followed {
    const around = this.around(source);
    if (!around) return nothing;
    const { to, row } = around;
    const { node } = to.bound;
    if (row.status === 'running')
      return this.put(
        to,
        source,
        row,
        conclude(to.bound, row, rejectedBy(node, (cause ?? source.cause)?.reason ?? 'unknown')),
      );
    if (row.status !== 'compensating' && row.status !== 'deadLettered') return nothing;
    const { compensated } = node.events.defaults;
    const { step, reason } = row.cause ?? { step: node.name, reason: 'unknown' };
    const event = { type: compensated.type, data: eventFrom(compensated, { failedStep: step, reason }) };
    const { state, verdict, emit } = advance(node, row, { type: row.status === 'compensating' ? 'undone' : 'resolve' });
    return this.put(to, source, row, {
      row: { ...rowIn(state, row), inputs: {} },
      verdict,
      ...(emit && { emit }),
      event,
    });
  }

  /** A step inside cannot be undone without a person: so neither can the step that the saga is. */
  needsPerson(gate: FenceRow, reason: string): Followed {
    const around = this.around(gate);
    if (around?.row.status !== 'compensating') return nothing;
    const { to, row } = around;
    const failed = { ...row, lastError: reason };
    const { state, verdict, emit } = advance(to.bound.node, failed, { type: 'undoExhausted' });
    return this.put(to, gate, row, { row: { ...failed, ...state }, verdict, ...(emit && { emit }) });
  }

  /** Done with its steps, the one inside is a step of the one around: they end together, so that one is asked. */
  askAround(gate: FenceRow, cause: Cause = { step: 'abort', reason: 'abort requested' }): Followed {
    const around = gate.status === 'running' ? this.around(gate) : undefined;
    return around ? { emitted: [abortEvent(this.ground, around.row.headers, cause)] } : nothing;
  }

  /** Nothing is attempted, and nobody is waited for, to begin what is over already. */
  private giveUpSource(bound: BoundStep, row: FenceRow, source: FenceRow): Followed {
    const to = deliveryTo(this.ground, bound.node.nested!.saga, source.step, source.headers);
    if (!mayGiveUp(to.bound, source)) return nothing;
    const caused = row.cause ? { ...source, cause: row.cause } : source;
    const taken = givenUp(to.bound, caused, row.cause?.reason ?? 'unknown');
    const refused = this.put(to, row, source, taken);
    const closed = this.closed(taken.row, row.cause);
    return {
      emitted: [...refused.emitted, ...closed.emitted],
      operations: operationsOf([refused, closed]),
    };
  }

  private put(to: Delivery, from: FenceRow, before: FenceRow, { row, emit, event, run }: Taken): Followed {
    const caused = from.causationId === undefined ? row : { ...row, causationId: from.causationId };
    const moved = kept(this.ground, to.bound, caused);
    this.ledger.put(moved);
    const envelope = emit && emission(this.ground, to.bound, moved, emit, event);
    const further = run === 'compensation' ? this.close(to.bound, moved) : nothing;
    const operations = letterChanges(this.ground, to, before, moved, envelope?.data);
    return {
      emitted: [...(envelope ? [envelope] : []), ...further.emitted],
      operations: operationsOf([{ ...(operations && { operations }) }, further]),
    };
  }

  private gateOf(bound: BoundStep, row: FenceRow) {
    const { saga } = bound.node.nested!;
    const headers = childHeaders(this.ground, bound, row);
    const source = this.ledger.rowOf(deliveryTo(this.ground, saga, saga.source, headers));
    const to = deliveryTo(this.ground, saga, commitStep, source.headers);
    const found = this.ledger.rowOf(to);
    return { gate: inItsGraph(this.ground, to, found), found, source };
  }

  private around({ headers, step }: FenceRow) {
    const { sagaId, sagaType, sagaVersion, step: name } = headers.parent!;
    const { parent: _itself, branches: _inside, graph: _own, ...shared } = headers;
    const around = { ...shared, sagaId, sagaType, sagaVersion };
    const bound = this.ground.steps.ofRow({ headers: around, step: name });
    if (bound) {
      const to: Delivery = { sagaId, bound, headers: around, happening: { type: 'committed' } };
      const row = this.ledger.rowOf(to);
      const placed = inItsGraph(this.ground, to, row);
      return { to: placed, bound: placed.bound, row };
    }
    this.ledger.tell({
      level: 'error',
      line: `Step "${step}" of saga ${headers.sagaId} cannot tell saga "${sagaType}" version ${sagaVersion}, whose step "${name}" it belongs to: this service has no method for that any more.`,
    });
    return undefined;
  }
}

export function deliveryTo(ground: Participant, saga: SagaGraph, step: string, headers: SagaHeaders): Delivery {
  const bound = ground.steps.find(saga, step)!;
  return { sagaId: headers.sagaId, bound, headers, happening: { type: 'committed' } };
}

export function childHeaders(
  ground: Participant,
  { node, saga }: BoundStep,
  { sagaId, headers }: FenceRow,
): SagaHeaders {
  const child = node.nested!.saga;
  const id = childId(ground, sagaId, node.name);
  return {
    sagaId: id,
    sagaType: child.name,
    sagaVersion: child.version,
    graph: fingerprintOf(child),
    correlationId: headers.correlationId,
    partitionKey: id,
    parent: { sagaId, sagaType: saga.name, sagaVersion: saga.version, step: node.name },
    ...(headers.traceparent !== undefined && { traceparent: headers.traceparent }),
  };
}

/** A step is one saga, however often it is attempted. */
export function childId({ chance }: Pick<Participant, 'chance'>, sagaId: string, step: string): string {
  return chance.derivedId(`${sagaId}:${step}`);
}

/** The saga around needs nothing of this step any more, whether the saga inside is under way or has done all its steps. */
export function isOver({ node }: BoundStep, row: FenceRow): boolean {
  const isDoomed = node.successors.every((step) => row.successorsClosed.includes(step));
  return row.status === 'compensating' || (row.status === 'running' && isDoomed);
}
