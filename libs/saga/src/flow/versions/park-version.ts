import { opened } from '../../protocol/cloud-event.js';
import { isUuid } from '../../protocol/uuid.js';
import { wordOf } from '../../protocol/wire.js';
import type { NewDeadLetter } from '../../ports/dead-letters.js';
import type { IncomingRecord } from '../../ports/transport.js';
import type { Audience } from '../bound-step.js';
import type { Participant } from '../participant.js';
import type { LeftToOthers } from './unknown-version.js';
import { isComparable } from '../../definition/fingerprint.js';

/**
 * Keeps an event of a version that this process does not know, whole, in the service's own store, and only then counts it as consumed: a replica that
 * knows the version takes it. One that comes again is kept once.
 */
export async function parkVersion(
  participant: Participant,
  audience: Audience,
  record: IncomingRecord,
  unknown: LeftToOthers,
): Promise<void> {
  const { store, chance, tally, logger } = participant;
  const { topic, partition, offset } = record.origin;
  const { sagaid, sagastep, id } = opened(record).attributes;
  const { wanted, graph } = unknown.needed;
  const letter: NewDeadLetter = {
    id: chance.derivedId(
      `version:${unknown.saga}@${unknown.version}:${audience}:${topic}:${partition}:${offset}:${wordOf(id)}`,
    ),
    kind: 'version',
    sagaType: unknown.saga,
    sagaVersion: unknown.version,
    ...(typeof sagaid === 'string' && isUuid(sagaid) && { sagaId: sagaid.toLowerCase() }),
    ...(typeof sagastep === 'string' && { step: sagastep }),
    reason: unknown.reason,
    details: {},
    record,
    audience,
    ...(graph !== undefined && isComparable(graph) && { graph }),
    ...(wanted && { wanted }),
  };
  await store.deadLetters.put([letter]);
  logger.warn(`The record ${topic}/${partition}/${offset} is parked until a replica takes it: ${unknown.reason}.`);
  tally.count('parked');
}
