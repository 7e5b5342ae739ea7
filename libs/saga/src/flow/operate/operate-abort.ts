import type { SagaGraph } from '../../definition/saga-definition.js';
import type { NewAuditEntry } from '../../ports/audit-log.js';
import { FenceConflict } from '../../ports/step-store.js';
import { auditEntry } from './operated.js';
import type { OperatorAnswer, Said } from './operation.js';
import type { KnownOfSaga } from './abort-headers.js';
import type { SagaService } from '../service.js';

const most = 1_000;

/** A saga to be closed backwards, and what is known of it where the word is given. */
export interface Abortable {
  readonly sagaId: string;
  readonly saga: SagaGraph;
  /** Its pivot is known to be done. */
  readonly committed: boolean;
  /** The branches of its fan-outs and the saga around it, as far as they are known. */
  readonly known?: KnownOfSaga;
}

/**
 * Asks every participant to cancel what has not started. `applied`: they are asked; the pivot's owner decides. A saga is asked for its abort
 * once, whoever asks: later words find the first.
 */
export async function operateAbort(service: SagaService, target: Abortable, said: Said): Promise<OperatorAnswer> {
  const { chance } = service.participant;
  const { sagaId, saga } = target;
  const answer = await answerOf(service, target);
  const entry = (id: string, { verdict, because }: OperatorAnswer): NewAuditEntry =>
    auditEntry(id, 'abort', said, { verdict, because }, { sagaId, details: {} });
  if (answer.verdict !== 'applied') return written(service, answer, entry(chance.newId(), answer));
  const only = entry(chance.derivedId(`${sagaId}:abort`), answer);
  try {
    const reason = `aborted by ${said.actor}: ${said.reason}`;
    await service.publishAbort({ saga, sagaId, reason, known: target.known, audited: [only] });
    return answer;
  } catch (error) {
    if (!(error instanceof FenceConflict)) throw error;
    const again: OperatorAnswer = { verdict: 'alreadyApplied', because: 'its abort was requested just now', sagaId };
    return written(service, again, entry(chance.newId(), again));
  }
}

async function answerOf({ participant }: SagaService, { sagaId, saga, committed }: Abortable): Promise<OperatorAnswer> {
  if (committed)
    return {
      verdict: 'refused',
      because: `its pivot "${saga.commitPoint}" is done: nothing is undone any more`,
      sagaId,
    };
  const words = await participant.store.audit.list({ sagaId, limit: most });
  const earlier = words.find(({ verb, verdict }) => verb === 'abort' && verdict === 'applied');
  return earlier
    ? { verdict: 'alreadyApplied', because: `its abort was requested by ${earlier.actor}`, sagaId }
    : { verdict: 'applied', because: 'every participant is asked to close it backwards', sagaId };
}

async function written(
  { participant }: SagaService,
  answer: OperatorAnswer,
  entry: NewAuditEntry,
): Promise<OperatorAnswer> {
  await participant.store.transaction([], (transaction) =>
    transaction.save({ rows: [], staged: [], published: [], audited: [entry] }),
  );
  return answer;
}
