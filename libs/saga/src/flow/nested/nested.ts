import { commitStep } from '../../definition/nested.js';
import type { Cause } from '../../protocol/envelope.js';
import { advance } from '../../protocol/step-machine.js';
import { isClosed } from '../../protocol/step-state.js';
import type { FenceKey, FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';
import type { Delivery, Settled } from '../delivery.js';
import { rowIn } from '../draft.js';
import { inItsGraph } from '../in-its-graph.js';
import type { Ledger } from '../ledger.js';
import type { Participant } from '../participant.js';
import { takenInput } from '../start.js';
import { childHeaders, childId, deliveryTo, isOver, LinkedRows, type Followed } from './linked-rows.js';

const nothing: Followed = { emitted: [] };

/**
 * The rows of other sagas that a delivery may move with its own: those of a step that is a saga of its own, and of that saga's source and commit step. All
 * of them are this service's, so one transaction moves them, and nobody sends word of it.
 */
export function linkedKeys(ground: Participant, { bound, sagaId, headers }: Delivery): readonly FenceKey[] {
  const { node, saga } = bound;
  if (node.nested) {
    const inside = childId(ground, sagaId, node.name);
    return [commitStep, node.nested.saga.source].map((step) => ({ sagaId: inside, step }));
  }
  if (!headers.parent || bound.hears) return [];
  const around = { sagaId: headers.parent.sagaId, step: headers.parent.step };
  if (node.name === saga.source) return [around, { sagaId, step: commitStep }];
  return node.name === commitStep ? [around] : [];
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
  const taken = takenInput(saga, input, ground.settings.maxEventBytes) as object;
  const given = { type: saga.steps[saga.source]!.on?.type ?? '', data: taken };
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
  const { happening } = delivery;
  const { bound } = inItsGraph(ground, delivery, row);
  const { node, saga } = bound;
  const linked = new LinkedRows(ground, ledger);
  if (node.nested) {
    if (happening.type === 'committed') return linked.open(bound, row);
    return isOver(bound, row) ? linked.close(bound, row) : nothing;
  }
  const parent = row.headers.parent;
  if (!parent || bound.hears) return nothing;
  if (happening.type === 'nestedDeadLetter') return linked.needsPerson(row, happening.reason);
  if (node.name === commitStep && isAbort(happening)) return linked.askAround(row, happening.cause);
  if (node.name === commitStep && row.status === 'running') return linked.done(bound, row);
  if (node.name !== saga.source) return nothing;
  if (row.status === 'done') return linked.begun(row);
  return isClosed(row.status) ? linked.closed(row, emitted[0]?.cause ?? causeOf(happening)) : nothing;
}

/** Whoever signals the source, or a timer of it, knows of no saga around: that is moved by the next event, which has the cause. */
function causeOf(happening: Delivery['happening']): Cause | undefined {
  return happening.type === 'signal' ? happening.cause : undefined;
}

function isAbort(happening: Delivery['happening']): happening is Extract<Delivery['happening'], { type: 'signal' }> {
  return happening.type === 'signal' && happening.signal.type === 'abortRequested';
}
