import { after, inOwnContext } from '../../ports/own-context.js';
import type { IncomingRecord } from '../../ports/transport.js';
import { backoff } from './kafka-backoff.js';

const chunkSize = 250;
const mostInHand = 4;
const mostWaiting = 2_000;
/** How far handled chunks may run ahead of one that is stuck. */
const mostUnsettled = 5_000;
const firstPause = 200;
const longestPause = 10_000;

/** Records that are handed over together, and come again together. */
interface Chunk {
  readonly place: number;
  /** None once they are handled: a chunk may wait long for the ones before it. */
  records: readonly IncomingRecord[];
  /** The offset that may be committed once it and all before it are handled. */
  readonly next: string;
}

export interface LaneWork {
  handle(records: readonly IncomingRecord[]): Promise<void>;
  /** All records below the offset are handled. */
  handledBelow(offset: string): void;
  refused(records: readonly IncomingRecord[], error: unknown, pauseMs: number): void;
}

/**
 * The records of one partition between fetch and commit. Several chunks are in hand at once, so that a slow one holds up none; the offset to
 * commit stays below the first that is not handled. After a refusal the lane rests, then goes on chunk by chunk until one is handled.
 */
export class PartitionLane {
  private readonly unsettled: Chunk[] = [];
  private readonly handled = new Set<Chunk>();
  private readonly handling = new Set<Promise<void>>();
  private waiting: Chunk[] = [];
  private waitingRecords = 0;
  private refusals = 0;
  private rest: { readonly ms: number; readonly forget: () => void } | undefined;
  private places = 0;
  private closed = false;
  private watchers: (() => void)[] = [];

  constructor(private readonly work: LaneWork) {}

  /** The offset after the last record that was offered. */
  next: string | undefined;

  /** The offset of the first record that is not handled; nothing when all are that were offered. */
  get from(): string | undefined {
    return this.unsettled[0]?.records[0]?.origin.offset;
  }

  /** Takes records in the order of the partition. @param next the offset after the last of them */
  offer(records: readonly IncomingRecord[], next: string): void {
    if (this.closed) return;
    for (let start = 0; start < records.length; start += chunkSize) {
      const chunk = records.slice(start, start + chunkSize);
      const following = records[start + chunkSize];
      this.add(chunk, following?.origin.offset ?? next);
    }
    this.next = next;
    this.handOver();
  }

  get hasRoom(): boolean {
    return this.refusals === 0 && this.waitingRecords < mostWaiting && this.unsettled.length < mostUnsettled;
  }

  /** Resolves when there is room, or the lane is closed. */
  async room(): Promise<void> {
    while (!this.hasRoom && !this.closed) await new Promise<void>((resolve) => this.watchers.push(resolve));
  }

  /** Waits a moment for room, but not for the end of a rest. */
  async roomWithin(ms: number): Promise<boolean> {
    if (this.hasRoom || this.refusals > 0) return this.hasRoom;
    let forget = (): void => undefined;
    const patience = new Promise<void>((resolve) => (forget = after(ms, resolve)));
    await Promise.race([this.room(), patience]);
    forget();
    return this.hasRoom;
  }

  /** Hands over nothing more; resolves when nothing is in hand. */
  async close(): Promise<void> {
    this.closed = true;
    this.rest?.forget();
    this.waiting = [];
    this.wakeWatchers();
    await Promise.all(this.handling);
  }

  private add(records: readonly IncomingRecord[], next: string): void {
    const chunk = { place: this.places++, records, next };
    this.unsettled.push(chunk);
    this.waiting.push(chunk);
    this.waitingRecords += records.length;
  }

  private handOver(): void {
    const most = this.refusals > 0 ? 1 : mostInHand;
    while (!this.closed && this.rest === undefined && this.waiting.length > 0 && this.handling.size < most) {
      const chunk = this.waiting.shift()!;
      this.waitingRecords -= chunk.records.length;
      const handling = inOwnContext(() => this.handle(chunk)).finally(() => {
        this.handling.delete(handling);
        this.handOver();
        this.wakeWatchers();
      });
      this.handling.add(handling);
    }
  }

  private async handle(chunk: Chunk): Promise<void> {
    try {
      await this.work.handle(chunk.records);
      this.refusals = 0;
      this.settle(chunk);
    } catch (error) {
      this.refuse(chunk, error);
    }
  }

  private settle(chunk: Chunk): void {
    chunk.records = [];
    this.handled.add(chunk);
    let below: string | undefined;
    while (this.unsettled.length > 0 && this.handled.delete(this.unsettled[0]!)) below = this.unsettled.shift()!.next;
    if (below !== undefined) this.work.handledBelow(below);
  }

  private refuse(chunk: Chunk, error: unknown): void {
    this.waiting = [...this.waiting, chunk].toSorted((one, other) => one.place - other.place);
    this.waitingRecords += chunk.records.length;
    const rest = (this.rest ??= this.startRest());
    this.work.refused(chunk.records, error, rest.ms);
  }

  private startRest(): { readonly ms: number; readonly forget: () => void } {
    const ms = backoff(this.refusals, firstPause, longestPause);
    this.refusals += 1;
    if (this.closed) return { ms, forget: () => undefined };
    const forget = after(ms, () => {
      this.rest = undefined;
      this.handOver();
    });
    return { ms, forget };
  }

  private wakeWatchers(): void {
    for (const wake of this.watchers.splice(0)) wake();
  }
}
