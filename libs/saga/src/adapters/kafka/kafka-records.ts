import { isUtf8 } from 'node:buffer';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { IncomingRecord } from '../../ports/transport.js';

const nothing = Buffer.alloc(0);

/** A record of Kafka as the port has it. A tombstone has an empty value; of a repeated header the last one counts. */
export function incoming(topic: string, partition: number, message: KafkaMessage): IncomingRecord {
  const raw = message.value ?? nothing;
  const malformed = isUtf8(raw) ? undefined : 'its value is no UTF-8';
  return {
    headers: textHeaders(message.headers),
    value: malformed === undefined ? raw.toString() : '',
    key: message.key?.toString() ?? '',
    raw,
    malformed,
    origin: { topic, partition, offset: message.offset, stamp: message.timestamp },
    at: Number(message.timestamp),
  };
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [name, given] of Object.entries(headers ?? {})) {
    const value = Array.isArray(given) ? given.at(-1) : given;
    if (value !== undefined && value !== null) text[name] = value.toString();
  }
  return text;
}
