import { decompress as zstdRead } from 'fzstd';
import kafkajs, { type CompressionTypes as CompressionType } from 'kafkajs';
import { compress as snappyWrite, uncompress as snappyRead } from 'snappyjs';
import * as zlib from 'node:zlib';
import { lz4Read, lz4Write } from './kafka-lz4.js';

/** How records are compressed when they are written. All of these, and what the topic or another producer chose, are read. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** Of Node 22.15 and later. */
const writeZstd = (zlib as { readonly zstdCompressSync?: (source: Buffer) => Buffer }).zstdCompressSync;

export const canWriteZstd = writeZstd !== undefined;

const { CompressionCodecs, CompressionTypes } = kafkajs;

const types: Readonly<Record<Compression, CompressionType>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

export function compressionType(compression: Compression): CompressionType {
  return types[compression];
}

const ours: readonly (readonly [Exclude<Compression, 'none' | 'gzip'>, Codec])[] = [
  ['snappy', codec((source) => xerialWrite(source), xerialRead)],
  ['lz4', codec(lz4Write, lz4Read)],
  [
    'zstd',
    codec(
      (source) => {
        if (writeZstd) return writeZstd(source);
        throw new TypeError('Zstandard is written from Node 22.15 on.');
      },
      (source) => Buffer.from(zstdRead(source)),
    ),
  ],
];

/**
 * Teaches kafkajs what it does not read by itself. Its codecs are process-wide, and of this copy of it: one that the application gave it stays.
 */
export function teachCodecs(): void {
  const known = CompressionCodecs as Record<number, () => unknown>;
  for (const [name, ourCodec] of ours) if (isMissing(known[types[name]])) known[types[name]] = () => ourCodec;
}

/** kafkajs holds a place for each, which throws. */
function isMissing(codecOf: (() => unknown) | undefined): boolean {
  try {
    return codecOf?.() === undefined;
  } catch (error) {
    return error instanceof Error && error.name === 'KafkaJSNotImplemented';
  }
}

function codec(write: (source: Buffer) => Buffer, read: (source: Buffer) => Buffer): Codec {
  return { compress: async ({ buffer }) => write(buffer), decompress: async (buffer) => read(buffer) };
}

/** What Java's clients put around Snappy: this, a version, the oldest version that reads it, then blocks with their sizes. Others write it bare. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const xerialHeader = xerialMagic.length + 8;
const xerialBlock = 32_768;

function xerialRead(source: Buffer): Buffer {
  if (!source.subarray(0, xerialMagic.length).equals(xerialMagic)) return Buffer.from(snappyRead(source));
  const parts: Uint8Array[] = [];
  for (let at = xerialHeader; at < source.length;) {
    const end = at + 4 + source.readInt32BE(at);
    if (end <= at || end > source.length) throw new RangeError('its Snappy frame ends within a block');
    parts.push(snappyRead(source.subarray(at + 4, end)));
    at = end;
  }
  return Buffer.concat(parts);
}

function xerialWrite(source: Buffer): Buffer {
  const parts: Uint8Array[] = [xerialMagic, int32(1), int32(1)];
  for (let start = 0; start < source.length; start += xerialBlock) {
    const block = snappyWrite(source.subarray(start, start + xerialBlock));
    parts.push(int32(block.length), block);
  }
  return Buffer.concat(parts);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
