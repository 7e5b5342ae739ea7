import type { PoisonRecord } from '../protocol/wire.js';
import { PublishFailed, type IncomingRecord } from '../ports/transport.js';
import type { Audience } from './bound-step.js';
import type { Participant } from './participant.js';

/** What is kept of a record that is too large to be put away whole. */
const keptBytes = 65_536;

/** Poison goes to the dead letters, with its reason and its bytes, and only then counts as consumed. */
export async function bury(
  participant: Participant,
  audience: Audience,
  record: IncomingRecord,
  { message, reason }: PoisonRecord,
): Promise<void> {
  const { service, transport, topics, tally, logger } = participant;
  const { origin, headers, key, raw } = record;
  const place = [origin.topic, origin.partition, origin.offset].filter((part) => part !== undefined).join('/');
  logger.error(`The record ${place} goes to the dead letters: ${message}`);
  const put = (value: Uint8Array): Promise<void> => {
    const letter = { reason, service, audience, origin, headers, key, bytes: raw.length, value: base64(value) };
    const type = { 'content-type': 'application/json' };
    return transport.publish([{ topic: topics.deadLetters, key, headers: type, value: JSON.stringify(letter) }]);
  };
  try {
    await put(raw);
  } catch (error) {
    if (!(error instanceof PublishFailed) || error.facts.retriable) throw error;
    await put(raw.subarray(0, keptBytes));
  }
  tally.count('deadLettered');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
