import { encode } from '../protocol/cloud-event.js';
import type { Envelope } from '../protocol/envelope.js';
import { reasonOf } from '../protocol/reason.js';
import type { Topics } from '../protocol/topics.js';
import type { WireMessage } from '../protocol/wire.js';
import type { OutboxMessage } from '../ports/step-store.js';
import { publishLetter } from './dead-letter.js';
import type { Participant } from './participant.js';

/** An event that no transport will ever take. */
export interface Unpublishable {
  readonly message: OutboxMessage;
  /** Absent when not even a record can be made of it. */
  readonly record?: WireMessage;
  readonly reason: string;
}

/** The record of an event, or why there can be none: one that is odd must not keep the others from being published. */
export function recordOf(event: Envelope, topics: Topics): WireMessage | { readonly reason: string } {
  try {
    return encode(event, topics.of(event));
  } catch (error) {
    return { reason: `no record can be made of it: ${reasonOf(error)}` };
  }
}

/**
 * Puts events that can never be published among the dead letters, instead of trying them for ever.
 *
 * @returns the ids of those that are there; the others stay in the outbox and are tried again
 */
export async function buryEvents(
  ground: Pick<Participant, 'service' | 'transport' | 'topics' | 'logger' | 'tally'>,
  events: readonly Unpublishable[],
): Promise<readonly string[]> {
  const { logger, tally } = ground;
  const buried: string[] = [];
  for (const { message, record, reason } of events) {
    const { id, sagaId } = message.event;
    try {
      logger.error(
        `Event ${id} can never be published and goes to the dead letters; its saga waits for it. Make it smaller, or have the transport take larger ones: ${reason}`,
      );
      await publishLetter(ground, reason, {
        audience: 'outbox',
        origin: { event: id },
        headers: record?.headers ?? {},
        key: record?.key ?? sagaId,
        raw: Buffer.from(record?.value ?? ''),
      });
      tally.count('deadLettered');
      buried.push(message.id);
    } catch (error) {
      logger.warn(`Event ${id} stays in the outbox: ${reasonOf(error)}`);
    }
  }
  return buried;
}
