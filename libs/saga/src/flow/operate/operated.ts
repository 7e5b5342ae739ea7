import type { NewAuditEntry, OperatorVerb } from '../../ports/audit-log.js';
import type { FenceRow } from '../../ports/fence-row.js';
import { decideOperation } from './decide-operation.js';
import type { Delivery, Settled } from '../delivery.js';
import { refusedByNesting } from './operate-nested.js';
import type { Operation, OperatorAnswer, Said } from './operation.js';
import type { Participant } from '../participant.js';
import type { Taken } from '../take.js';

const verdicts = { applied: 'handled', alreadyApplied: 'duplicate', refused: 'refused' } as const;

/** Takes an operator's word under the lock of its row; the word, refused ones too, is written to the audit with what it changed. */
export function operated(
  participant: Participant,
  { sagaId, bound }: Delivery,
  operation: Operation,
  before: FenceRow,
  record: (taken: Taken) => Settled,
): Settled {
  const { verdict, because, taken } =
    refusedByNesting(participant, bound, before, operation) ?? decideOperation(bound, before, operation);
  const settled = taken ? record(taken) : { verdict: verdicts[verdict], row: before, emitted: [] };
  const step = bound.node.name;
  const answer: OperatorAnswer = { verdict, because, sagaId, step, status: settled.row.status };
  const { verb, letter } = operation;
  const details = {
    from: before.status,
    to: settled.row.status,
    ...(operation.verb === 'resolve' && { as: operation.as, event: operation.event }),
  };
  const named = { sagaId, step, ...(letter && { letterId: letter.id }) };
  const entry = auditEntry(participant.chance.newId(), verb, operation, answer, { ...named, details });
  return { ...settled, answer, operations: { ...settled.operations, audited: [entry] } };
}

/** A word and its answer, as the audit keeps them. */
export function auditEntry(
  id: string,
  verb: OperatorVerb,
  { actor, reason }: Said,
  { verdict, because }: Pick<OperatorAnswer, 'verdict' | 'because'>,
  named: Pick<NewAuditEntry, 'sagaId' | 'step' | 'letterId' | 'details'>,
): NewAuditEntry {
  return { id, verb, actor, reason, verdict, because, ...named };
}
