import kafkajs from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { teachCodecs } from './kafka-codecs.js';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const text = 'saga saga saga saga saga, and a compensation backwards: saga saga saga. '.repeat(40);

interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}
const codecs = CompressionCodecs as unknown as Record<number, () => Codec>;
const before = { ...codecs };
afterEach(() => void Object.assign(codecs, before));

const read = async (type: number, bytes: Buffer): Promise<string> =>
  (await codecs[type]!().decompress(bytes)).toString();

test('Zstandard is read, with and without a checksum', async () => {
  teachCodecs();
  const frames = [
    'KLUv/WRACsUBAFQCc2FnYSAsIGFuZCBhIGNvbXBlbnNhdGlvbiBiYWNrd2FyZHM6LgUA3VqCB5kwzOzuVnUOSdECfgPFuQ==',
    'KLUv/WBACsUBAFQCc2FnYSAsIGFuZCBhIGNvbXBlbnNhdGlvbiBiYWNrd2FyZHM6LgUA3VqCB5kwzOzuVnUOSdEC',
  ];
  for (const frame of frames) expect(await read(CompressionTypes.ZSTD, Buffer.from(frame, 'base64'))).toBe(text);
});

test('Snappy is read bare, and in the frame of Java', async () => {
  teachCodecs();
  const codec = codecs[CompressionTypes.Snappy]!();
  const large = Buffer.from(text.repeat(30));
  const framed = await codec.compress({ buffer: large });
  expect(framed.subarray(1, 7).toString()).toBe('SNAPPY');
  expect((await codec.decompress(framed)).equals(large)).toBe(true);
  const bare = Buffer.from([5, 4 << 2, ...Buffer.from('hello')]);
  expect(await read(CompressionTypes.Snappy, bare)).toBe('hello');
});

test('a broken block is an error, in each codec', async () => {
  teachCodecs();
  for (const type of [CompressionTypes.Snappy, CompressionTypes.LZ4, CompressionTypes.ZSTD])
    await expect(read(type, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]))).rejects.toThrow(
      /\w/,
    );
});

test('a codec of the application stays', () => {
  const own = { compress: async () => Buffer.alloc(0), decompress: async () => Buffer.alloc(0) };
  codecs[CompressionTypes.LZ4] = () => own;
  teachCodecs();
  expect(codecs[CompressionTypes.LZ4]!()).toBe(own);
  expect(codecs[CompressionTypes.Snappy]!()).not.toBe(own);
});
