import { SagaError } from '../../protocol/errors.js';
import { advance } from '../../protocol/step-machine.js';
import type { FenceRow } from '../../ports/fence-row.js';
import type { Delivery } from '../delivery.js';
import { known } from './intent.js';
import { take, type Taken } from '../take.js';

const why =
  'its transaction was ended by somebody else than the library, so nobody knows whether what it wrote is committed';

/**
 * What becomes of a step whose method ran in a transaction that was lost: it may have had its effect, and may not be attempted again. It waits for a person,
 * a step as undecided, an undo as a dead letter.
 */
export function takeLost(delivery: Delivery, before: FenceRow, error: Error): Taken {
  const { bound } = delivery;
  const { row, run, verdict } = take(delivery, before);
  if (run !== 'step' && run !== 'compensation') return { row, verdict };
  const { dueIn: _due, ...waiting } = row;
  const lost: FenceRow = { ...waiting, attempts: row.attempts + 1, lastError: `${why}. ${error.message}` };
  const line = `${run === 'step' ? 'Step' : 'The compensation of step'} "${row.step}" of saga ${row.sagaId} waits for a person: ${why}. Look what there is of it, then resolve or redrive it. ${error.message}`;
  const report = { level: 'error', line } as const;
  if (run === 'step') {
    return { row: known(bound, lost, { type: 'outcomeUnknown' }), verdict: 'handled', report };
  }
  const next = advance(bound.node, lost, { type: 'undoExhausted' });
  return { row: { ...lost, ...next.state }, verdict: next.verdict, ...(next.emit && { emit: next.emit }), report };
}

/** The same for whoever waits for an answer. */
export function lostToCaller({ sagaId, bound }: Delivery, cause: Error): SagaError {
  const step = bound.node.name;
  const facts = { sagaId, step, retriable: false };
  return new SagaError(
    'TRANSACTION_LOST',
    `Step "${step}" of saga ${sagaId} waits for a person: ${why}. Do not ask again; it is a dead letter of kind "undecided".`,
    facts,
    { cause },
  );
}
