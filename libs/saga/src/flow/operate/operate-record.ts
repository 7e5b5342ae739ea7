import type { OperatorVerdict } from '../../ports/audit-log.js';
import type { DeadLetter } from '../../ports/dead-letters.js';
import { FenceConflict } from '../../ports/step-store.js';
import { PoisonRecord } from '../../protocol/wire.js';
import { settledAs } from './letters.js';
import { auditEntry } from './operated.js';
import type { OperatorAnswer, Said } from './operation.js';
import type { Participant } from '../participant.js';
import { receiveAgain } from '../receive.js';
import type { SagaService } from '../service.js';

type Verb = 'redrive' | 'waive';

/** Receives a record again, from its bytes. What it means to this service's steps follows as if it came now; a second time it is recognized. */
export async function redriveRecord(service: SagaService, letter: DeadLetter, said: Said): Promise<OperatorAnswer> {
  const { participant, submit } = service;
  if (letter.settled) return answered(participant, letter, 'redrive', said, settledBefore(letter, 'redrive'));
  try {
    await receiveAgain(participant, submit, letter.audience ?? 'steps', letter.record!);
  } catch (error) {
    if (!(error instanceof PoisonRecord)) throw error;
    const because = `it still cannot be received: ${error.message}`;
    return answered(participant, letter, 'redrive', said, { verdict: 'refused', because });
  }
  return settleRecord(participant, letter, 'redrive', said, 'it was received');
}

/** Nobody receives the record any more. */
export function waiveRecord(participant: Participant, letter: DeadLetter, said: Said): Promise<OperatorAnswer> {
  return settleRecord(participant, letter, 'waive', said, 'it is never received');
}

/** Of several words that settle a letter one is applied: it is the one whose audit entry could be written. */
async function settleRecord(
  participant: Participant,
  letter: DeadLetter,
  verb: Verb,
  said: Said,
  because: string,
): Promise<OperatorAnswer> {
  const { chance, store } = participant;
  if (letter.settled) return answered(participant, letter, verb, said, settledBefore(letter, verb));
  const answer: OperatorAnswer = { verdict: 'applied', because };
  const entry = auditEntry(chance.derivedId(`${letter.id}:settled`), verb, said, answer, namedBy(letter));
  const settlement = { which: { id: letter.id }, as: settledAs[verb], by: said.actor };
  try {
    await store.transaction([], (transaction) =>
      transaction.save({ rows: [], staged: [], published: [], settlements: [settlement], audited: [entry] }),
    );
    return answer;
  } catch (error) {
    const now = error instanceof FenceConflict ? await store.deadLetters.find(letter.id) : undefined;
    if (!now) throw error;
    const before = settledBefore(now, verb);
    const meanwhile = { ...before, because: `${because}, but ${before.because} meanwhile` };
    return answered(participant, letter, verb, said, before.verdict === 'refused' ? meanwhile : before);
  }
}

/** A word that changed nothing is written down all the same. */
async function answered(
  { chance, store }: Participant,
  letter: DeadLetter,
  verb: Verb,
  said: Said,
  answer: OperatorAnswer,
): Promise<OperatorAnswer> {
  const entry = auditEntry(chance.newId(), verb, said, answer, namedBy(letter));
  await store.transaction([], (transaction) =>
    transaction.save({ rows: [], staged: [], published: [], audited: [entry] }),
  );
  return answer;
}

function settledBefore({ settled }: DeadLetter, verb: Verb): OperatorAnswer {
  const verdict: OperatorVerdict = settled?.as === settledAs[verb] ? 'alreadyApplied' : 'refused';
  return { verdict, because: `it was ${settled?.as} by ${settled?.by === '' ? 'nobody' : settled?.by}` };
}

function namedBy({ id, sagaId, step }: DeadLetter): Parameters<typeof auditEntry>[4] {
  const named = { ...(sagaId !== undefined && { sagaId }), ...(step !== undefined && { step }) };
  return { letterId: id, ...named, details: {} };
}
