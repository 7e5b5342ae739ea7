import type { NewDeadLetter } from '../../ports/dead-letters.js';
import type { IncomingRecord } from '../../ports/transport.js';
import { isUuid } from '../../protocol/uuid.js';
import type { PoisonRecord } from '../../protocol/wire.js';
import type { Audience } from '../bound-step.js';
import type { Participant } from '../participant.js';

/** The same record has the same letter, however often it comes. */
export function recordLetter(
  { chance }: Participant,
  audience: Audience,
  record: IncomingRecord,
  error: PoisonRecord,
): NewDeadLetter {
  const { origin, raw } = record;
  const name = JSON.stringify([
    audience,
    origin.topic,
    origin.partition,
    origin.offset,
    Buffer.from(raw).toString('base64'),
  ]);
  return {
    id: chance.derivedId(name),
    kind: 'record',
    reason: error.reason,
    details: {},
    record,
    audience,
    ...headersOf(record),
  };
}

/** What can be told of its saga, for whoever looks for it. */
function headersOf({ headers }: IncomingRecord): Partial<NewDeadLetter> {
  const { ce_sagaid: sagaId, ce_sagatype: sagaType, ce_sagastep: step, ce_sagaversion: version } = headers;
  return {
    ...(sagaId !== undefined && isUuid(sagaId) && { sagaId: sagaId.toLowerCase() }),
    ...(sagaType !== undefined && { sagaType }),
    ...(step !== undefined && { step }),
    ...(version !== undefined && /^[1-9][0-9]{0,8}$/.test(version) && { sagaVersion: Number(version) }),
  };
}
