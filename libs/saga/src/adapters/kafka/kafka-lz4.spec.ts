import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lz4Read, lz4Write } from './kafka-lz4.js';

const text = 'saga saga saga saga saga, and a compensation backwards: saga saga saga. '.repeat(40);

/** As the command line tool of LZ4 1.9.4 writes it. */
const frames: readonly (readonly [string, string])[] = [
  [
    'blocks of their own, with a checksum at the end',
    'BCJNGGRAp0cAAABfc2FnYSAFAAD7ECwgYW5kIGEgY29tcGVuc2F0aW9uIGJhY2t3YXJkczozABsuEAAGDwAPSAD/////////////0lBhZ2EuIAAAAAAKrJHj',
  ],
  [
    'linked blocks, each with a checksum, and the size of all',
    'BCJNGHxAQAsAAAAAAAB/RwAAAF9zYWdhIAUAAPsQLCBhbmQgYSBjb21wZW5zYXRpb24gYmFja3dhcmRzOjMAGy4QAAYPAA9IAP/////////////SUGFnYS4grpag+QAAAAAKrJHj',
  ],
  [
    'no checksums',
    'BCJNGGBAgkcAAABfc2FnYSAFAAD7ECwgYW5kIGEgY29tcGVuc2F0aW9uIGJhY2t3YXJkczozABsuEAAGDwAPSAD/////////////0lBhZ2EuIAAAAAA=',
  ],
];

test.each(frames)('a frame with %s is read', (_, base64) => {
  expect(lz4Read(Buffer.from(base64, 'base64')).toString()).toBe(text);
});

test('frames after each other are one text', () => {
  const frame = Buffer.from(frames[1]![1], 'base64');
  expect(lz4Read(Buffer.concat([frame, frame])).toString()).toBe(text + text);
});

test('what is written is read again, and is smaller where it repeats itself', () => {
  const bytes = fc.uint8Array({ maxLength: 2_000 });
  const repeating = fc.tuple(bytes, fc.integer({ min: 1, max: 100 })).map(([part, times]) => {
    return Buffer.concat(Array.from({ length: times }, () => Buffer.from(part)));
  });
  fc.assert(
    fc.property(fc.oneof(bytes, repeating), (given) => {
      expect(lz4Read(lz4Write(Buffer.from(given))).equals(Buffer.from(given))).toBe(true);
    }),
  );
  expect(lz4Write(Buffer.from(text)).length).toBeLessThan(text.length / 4);
});

test('what is broken or no frame is refused, never read as something else, and ends', () => {
  const frame = Buffer.from(frames[0]![1], 'base64');
  for (let length = 1; length < frame.length - 4; length += 1)
    expect(() => lz4Read(frame.subarray(0, length))).toThrow(RangeError);
  expect(() => lz4Read(Buffer.from('not compressed at all'))).toThrow('it is no LZ4 frame');
  fc.assert(
    fc.property(fc.nat(frame.length - 5), fc.nat(255), (at, byte) => {
      const broken = Buffer.from(frame);
      broken[at] = byte;
      expect([undefined, RangeError]).toContain(errorOf(() => lz4Read(broken)));
    }),
  );
});

function errorOf(read: () => unknown): unknown {
  try {
    read();
    return undefined;
  } catch (error) {
    return (error as Error).constructor;
  }
}
