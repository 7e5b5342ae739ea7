import type { IncomingRecord } from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';

/** One object for every group that reads it; what only dead letters need is made when they ask. */
export class MemoryRecord implements IncomingRecord {
  constructor(
    private readonly message: WireMessage,
    private readonly position: number,
    private readonly bus: string,
  ) {}

  readonly at = Date.now();

  get headers(): Readonly<Record<string, string>> {
    return this.message.headers;
  }

  get value(): string {
    return this.message.value;
  }

  get key(): string {
    return this.message.key;
  }

  get raw(): Uint8Array {
    return Buffer.from(this.message.value);
  }

  get origin(): IncomingRecord['origin'] {
    return { topic: this.message.topic, offset: String(this.position), stamp: this.bus };
  }
}

/** The records of one topic in the order of their publication, the oldest of them forgotten. Positions count from 0 and are never reused. */
export class TopicLog {
  private records: MemoryRecord[] = [];
  private trimAt: number;

  constructor(
    private readonly retention: number,
    private readonly bus: string,
  ) {
    this.trimAt = 2 * retention;
  }

  /** Position of the oldest record that is kept. */
  start = 0;

  get end(): number {
    return this.start + this.records.length;
  }

  /** @param needed tells from which position on a reader still needs the records */
  append(message: WireMessage, needed: () => number): void {
    this.records.push(new MemoryRecord(message, this.end, this.bus));
    if (this.records.length > this.trimAt) this.trim(needed());
  }

  read(from: number, limit: number): readonly MemoryRecord[] {
    const first = from - this.start;
    return this.records.slice(first, first + limit);
  }

  /** Forgets all but the newest `retention` records and those that are still needed. Rare, so that an append stays cheap. */
  private trim(needed: number): void {
    const start = Math.max(this.start, Math.min(this.end - this.retention, needed));
    this.records = this.records.slice(start - this.start);
    this.start = start;
    this.trimAt = this.records.length + Math.max(this.retention, 1);
  }
}
