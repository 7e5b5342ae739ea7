import { shortened } from '../protocol/reason.js';
import type { PoisonRecord, WireMessage } from '../protocol/wire.js';
import { PublishFailed, type IncomingRecord } from '../ports/transport.js';
import type { Audience } from './bound-step.js';
import type { Participant } from './participant.js';
import { recordLetter } from './operate/record-letter.js';

type Ground = Pick<Participant, 'service' | 'transport' | 'topics'>;

/** What a dead letter says of a record, beside its reason. */
export interface Buried {
  readonly audience: Audience | 'outbox';
  readonly origin: object;
  readonly headers: Readonly<Record<string, string>>;
  readonly key: string;
  readonly raw: Uint8Array;
}

/** What is kept of a record that is too large to be put away whole. */
const keptBytes = 65_536;
const keptHeaders = 50;
const keptCharacters = 200;

/** Poison goes to the dead letters, in the store and on their topic, with its reason and its bytes, and only then counts as consumed. */
export async function bury(
  participant: Participant,
  audience: Audience,
  record: IncomingRecord,
  error: PoisonRecord,
): Promise<void> {
  const { message, reason } = error;
  const { tally, logger, store } = participant;
  const { origin, headers, key, raw } = record;
  const place = [origin.topic, origin.partition, origin.offset].filter((part) => part !== undefined).join('/');
  logger.error(`The record ${place} goes to the dead letters: ${message}`);
  await store.deadLetters.put([recordLetter(participant, audience, record, error)]);
  await publishLetter(participant, reason, { audience, origin, headers, key, raw });
  tally.count('deadLettered');
}

/** Publishes a dead letter: whole, or shortened where the transport will never take it whole. */
export async function publishLetter(ground: Ground, reason: string, buried: Buried): Promise<void> {
  const { raw } = buried;
  const cut = { ...buried, headers: keptOf(buried.headers), key: shortened(buried.key, keptCharacters) };
  const whole = letter(ground, reason, buried, raw);
  const shorter = letter(ground, reason, cut, raw.subarray(0, keptBytes));
  const bare = letter(ground, reason, { ...cut, headers: {} }, raw.subarray(0, 0));
  if ((await taken(ground, whole)) || (await taken(ground, shorter))) return;
  await ground.transport.publish([bare]);
}

/** Whether the transport took it; it never will when not. */
async function taken({ transport }: Ground, message: WireMessage): Promise<boolean> {
  try {
    await transport.publish([message]);
    return true;
  } catch (error) {
    if (error instanceof PublishFailed && !error.facts.retriable) return false;
    throw error;
  }
}

function letter({ service, topics }: Ground, reason: string, buried: Buried, value: Uint8Array): WireMessage {
  const { audience, origin, headers, key, raw } = buried;
  const said = { reason, service, audience, origin, headers, key, bytes: raw.length, value: base64(value) };
  const type = { 'content-type': 'application/json' };
  return { topic: topics.deadLetters, key, headers: type, value: JSON.stringify(said) };
}

/** A record may have headers beyond number and of any length. */
function keptOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(headers).slice(0, keptHeaders);
  return Object.fromEntries(
    names.map((name) => [shortened(name, keptCharacters), shortened(headers[name]!, keptCharacters)]),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
