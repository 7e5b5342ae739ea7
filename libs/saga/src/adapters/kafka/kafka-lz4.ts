const magic = 0x184d2204;
/** Version 1, blocks that stand alone, of 64 KiB at most; the checksum of these two bytes is always the same. */
const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]);
const blockSize = 65_536;
const uncompressed = 0x8000_0000;
const shortestMatch = 4;
/** A block ends with literals: a match does not reach into its last five bytes, nor begin in its last twelve. */
const lastLiterals = 5;
const lastMatch = 12;

/**
 * Reads a frame of LZ4 (also several), with blocks that stand alone or refer to each other. Checksums are skipped: Kafka's own covers the batch.
 *
 * @throws RangeError for what is no frame, or a broken one
 */
export function lz4Read(source: Buffer): Buffer {
  const target = new Target();
  for (let at = 0; at < source.length;) at = readFrame(source, at, target);
  return target.bytes;
}

/** @returns where the next frame begins */
function readFrame(source: Buffer, start: number, target: Target): number {
  if (source.readUInt32LE(start) !== magic) throw new RangeError('it is no LZ4 frame');
  const flags = source.readUInt8(start + 4);
  if (flags >> 6 !== 1) throw new RangeError(`the version of its LZ4 frame is ${flags >> 6}, not 1`);
  if (flags & 0x01) throw new RangeError('its LZ4 frame needs a dictionary');
  let at = start + 7 + (flags & 0x08 ? 8 : 0);
  for (;;) {
    const size = source.readUInt32LE(at);
    at += 4;
    if (size === 0) return at + (flags & 0x04 ? 4 : 0);
    const end = at + (size & ~uncompressed);
    if (end > source.length) throw new RangeError('its LZ4 frame ends within a block');
    if (size >= uncompressed) target.append(source, at, end);
    else readBlock(source.subarray(at, end), target);
    at = end + (flags & 0x10 ? 4 : 0);
  }
}

function readBlock(block: Buffer, target: Target): void {
  let at = 0;
  const length = (first: number): number => {
    if (first < 15) return first;
    for (let sum = first; ;) {
      const more = block.readUInt8(at++);
      sum += more;
      if (more < 255) return sum;
    }
  };
  while (at < block.length) {
    const token = block.readUInt8(at++);
    const literals = length(token >> 4);
    if (at + literals > block.length) throw new RangeError('its LZ4 block ends within literals');
    target.append(block, at, at + literals);
    at += literals;
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    target.repeat(distance, length(token & 15) + shortestMatch);
  }
}

/** What is read so far. It grows. */
class Target {
  private buffer = Buffer.allocUnsafe(blockSize);
  private length = 0;

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  append(source: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    source.copy(this.buffer, this.length, start, end);
    this.length += end - start;
  }

  /** Byte by byte, because what is repeated may reach into what it makes. */
  repeat(distance: number, count: number): void {
    if (distance === 0 || distance > this.length) throw new RangeError('its LZ4 block refers to what is not there');
    this.reserve(count);
    for (let end = this.length + count; this.length < end; this.length += 1)
      this.buffer[this.length] = this.buffer[this.length - distance]!;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + count));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

/** Writes a frame of LZ4 as Kafka's brokers and clients take it. */
export function lz4Write(source: Buffer): Buffer {
  const parts: Buffer[] = [header];
  for (let start = 0; start < source.length; start += blockSize) {
    const block = source.subarray(start, start + blockSize);
    const written = writeBlock(block);
    const size = Buffer.alloc(4);
    const isSmaller = written.length < block.length;
    size.writeUInt32LE(isSmaller ? written.length : block.length + uncompressed);
    parts.push(size, isSmaller ? written : block);
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** Each match is the last place where the same four bytes stood. */
function writeBlock(block: Buffer): Buffer {
  const written: number[] = [];
  const seen = new Map<number, number>();
  let anchor = 0;
  for (let at = 0; at <= block.length - lastMatch;) {
    const word = block.readUInt32LE(at);
    const match = seen.get(word);
    seen.set(word, at);
    if (match === undefined) {
      at += 1;
      continue;
    }
    let end = at + shortestMatch;
    while (end < block.length - lastLiterals && block[end] === block[end - at + match]) end += 1;
    writeSequence(written, block.subarray(anchor, at), { distance: at - match, count: end - at });
    anchor = at = end;
  }
  writeSequence(written, block.subarray(anchor));
  return Buffer.from(written);
}

function writeSequence(written: number[], literals: Buffer, match?: { distance: number; count: number }): void {
  const repeated = match ? match.count - shortestMatch : 0;
  written.push((Math.min(literals.length, 15) << 4) | Math.min(repeated, 15));
  writeLength(written, literals.length);
  for (const byte of literals) written.push(byte);
  if (!match) return;
  written.push(match.distance & 255, match.distance >> 8);
  writeLength(written, repeated);
}

function writeLength(written: number[], length: number): void {
  for (let rest = length - 15; rest >= 0; rest -= 255) written.push(Math.min(rest, 255));
}
