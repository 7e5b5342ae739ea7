import type { IncomingRecord } from '../ports/transport.js';

const readInt = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);

/** What a value that is no JSON seems to be, for whoever has to say how it is decoded; nothing when it looks like nothing known. */
export function lookOfBytes({ raw }: Pick<IncomingRecord, 'raw'>): string | undefined {
  if (raw.length > 5 && raw[0] === 0) return `the frame of a schema registry, schema ${readInt(raw)}`;
  if (startsWith(raw, [0x4f, 0x62, 0x6a, 1])) return 'an Avro file';
  if (startsWith(raw, [0x1f, 0x8b])) return 'compressed with gzip by its producer';
  if (startsWith(raw, [0x28, 0xb5, 0x2f, 0xfd])) return 'compressed with zstd by its producer';
  if (startsWith(raw, [0xac, 0xed])) return 'a serialized Java object';
  return undefined;
}

/** What JSON seems to be whose data its event's schema does not take. */
export function lookOfData(data: unknown): string | undefined {
  if (typeof data === 'string')
    return isJson(data)
      ? 'JSON within a JSON text, as Debezium writes a payload that it does not expand'
      : 'a JSON text';
  if (typeof data !== 'object' || data === null) return undefined;
  if (Array.isArray(data)) return 'a list: several events in one record';
  if ('schema' in data && 'payload' in data)
    return 'the envelope { schema, payload } of Kafka Connect, converter with schemas.enable';
  if ('op' in data && ('before' in data || 'after' in data))
    return 'the envelope { before, after, op } of a change-data-capture tool such as Debezium';
  return undefined;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

function isJson(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object';
  } catch {
    return false;
  }
}
