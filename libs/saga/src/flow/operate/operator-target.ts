import type { DeadLetter } from '../../ports/dead-letters.js';
import type { SagaHeaders } from '../../protocol/envelope.js';
import { SagaError } from '../../protocol/errors.js';
import type { BoundStep } from '../bound-step.js';
import { letterIdOf, sagaIdOf, stepNameOf } from './operator-input.js';
import { unknownAround } from '../versions/unknown-around.js';
import type { Participant } from '../participant.js';

/** What a word is about: a step of a saga, or a dead letter, by its id. */
export type OperatorTarget =
  | { readonly sagaId: string; readonly step: string; readonly letterId?: undefined }
  | { readonly letterId: string; readonly sagaId?: undefined; readonly step?: undefined };

/** A step of this service, or a record that waits in it. */
export type FoundTarget =
  | {
      readonly type: 'step';
      readonly sagaId: string;
      readonly bound: BoundStep;
      readonly headers: SagaHeaders;
      readonly letter?: DeadLetter;
    }
  | { readonly type: 'record'; readonly letter: DeadLetter };

type Ground = Pick<Participant, 'service' | 'steps' | 'store'>;

/** @throws SagaError `LETTER_NOT_FOUND`, `SAGA_NOT_FOUND`, `STEP_NOT_HERE`, or one that says what is wrong with the target itself */
export async function findTarget(ground: Ground, target: OperatorTarget): Promise<FoundTarget> {
  if (target.letterId === undefined) return findStep(ground, sagaIdOf(target.sagaId), stepNameOf(target.step));
  const id = letterIdOf(target.letterId);
  const letter = await ground.store.deadLetters.find(id);
  if (letter?.record) return { type: 'record', letter };
  if (letter?.sagaId !== undefined && letter.step !== undefined)
    return { ...(await findStep(ground, letter.sagaId, letter.step)), letter };
  throw new SagaError(
    'LETTER_NOT_FOUND',
    `Service "${ground.service}" has no dead letter ${id}; ask the service that listed it.`,
    { retriable: false },
  );
}

export function sagaNotFound(service: string, sagaId: string): SagaError {
  return new SagaError(
    'SAGA_NOT_FOUND',
    `Service "${service}" has no part in a saga ${sagaId} (yet); look the id up, or ask a service that implements a step of it.`,
    { sagaId, retriable: false },
  );
}

async function findStep(
  { service, steps, store }: Ground,
  sagaId: string,
  step: string,
): Promise<FoundTarget & { type: 'step' }> {
  const [row] = await store.find(sagaId);
  if (!row) throw sagaNotFound(service, sagaId);
  const { headers } = row;
  const bound = steps.ofRow({ headers, step });
  const around = bound && unknownAround(steps, { bound, headers });
  if (bound && !around) return { type: 'step', sagaId, bound, headers };
  throw new SagaError(
    'STEP_NOT_HERE',
    around
      ? `This replica of service "${service}" does not know saga "${around.name}" version ${around.version}, with which step ${JSON.stringify(step)} moves; ask one that does.`
      : `Service "${service}" does not implement a step ${JSON.stringify(step)} of saga "${headers.sagaType}" version ${headers.sagaVersion}; ask the service that does.`,
    { sagaId, step, retriable: false },
  );
}
