import { SagaError } from '../../protocol/errors.js';
import type { Run } from '../../protocol/step-state.js';
import type { Circuit } from '../../ports/circuit.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { BoundStep } from '../bound-step.js';
import type { Delivery } from '../delivery.js';
import type { Participant } from '../participant.js';
import type { Taken } from '../take.js';

/** Those who were held back do not return together: by this share of the wait, at most, they come later. */
const spread = 0.2;

/** The circuit closed, or let another attempt through, in the meantime, ms. */
const soon = 1_000;

function circuitOf(bound: BoundStep, run: Run): Circuit | undefined {
  return run === 'compensation' ? bound.undoCircuit : bound.circuit;
}

/**
 * What becomes of a row whose attempt an open circuit holds back: it waits until attempts are let through again. That counts as no attempt.
 *
 * @returns nothing while the circuit lets attempts through
 * @throws SagaError `CIRCUIT_OPEN` when somebody waits for the start: nothing of it is left
 */
export function heldBack(participant: Pick<Participant, 'chance'>, delivery: Delivery, due: Taken): Taken | undefined {
  const { bound, happening } = delivery;
  const wait = due.run && circuitOf(bound, due.run)?.holdsBackFor();
  if (wait === undefined) return undefined;
  if (happening.type === 'signal' && happening.attended) throw circuitOpen(bound, wait);
  return { row: heldBackFor(participant, due.row, wait), verdict: 'handled', parked: true };
}

export function heldBackFor({ chance }: Pick<Participant, 'chance'>, row: FenceRow, wait: number): FenceRow {
  return { ...row, dueIn: Math.ceil(wait * (1 + spread * chance.random())) };
}

/** How long the next attempt waits when the circuit is open after a failure, or was when the attempt was about to be made. */
export function heldBackAfter(bound: BoundStep, run: Run, error: unknown): number | undefined {
  const wait = circuitOf(bound, run)?.holdsBackFor();
  if (wait !== undefined) return wait;
  return error instanceof SagaError && error.code === 'CIRCUIT_OPEN' ? soon : undefined;
}

function circuitOpen({ node }: BoundStep, wait: number): SagaError {
  return new SagaError(
    'CIRCUIT_OPEN',
    `Step "${node.name}" of saga "${node.saga}" is not attempted for another ${wait} ms: it failed too often in a row. Start the saga again later.`,
    { step: node.name, retriable: true },
  );
}
