import { after, soon } from '../../ports/own-context.js';
import type { IncomingRecord } from '../../ports/transport.js';
import type { MemoryMember } from './memory-transport-member.js';
import type { TopicLog } from './memory-transport-log.js';

const batchSize = 500;
const firstPause = 50;
const longestPause = 5_000;

/** Records that were handed over together and come again together. */
export interface MemoryBatch {
  readonly records: readonly IncomingRecord[];
  readonly refusals: number;
}

/** A consumer group: where it stands in each topic, and what of that was refused and waits to come again. A member is handed only records of topics that it subscribes to. */
export class MemoryGroup {
  private readonly positions = new Map<TopicLog, number>();
  private readonly members: MemoryMember[] = [];
  private readonly pausing = new Map<MemoryBatch, () => void>();
  private again: MemoryBatch[] = [];
  private awake = false;

  /** @returns how many records of the topic the group can no longer get */
  read(log: TopicLog): number {
    const position = this.position(log);
    this.positions.set(log, Math.max(position, log.start));
    return Math.max(log.start - position, 0);
  }

  /** From where on the topic's records are needed here; a group in which nobody reads it needs none. */
  needs(log: TopicLog): number {
    return this.members.some((member) => member.logs.has(log)) ? this.position(log) : log.end;
  }

  /** How many records no member was given yet, or was and refused. */
  get lag(): number {
    const refused = [...this.again, ...this.pausing.keys()].reduce((sum, { records }) => sum + records.length, 0);
    return [...this.positions.keys()].reduce((sum, log) => sum + log.end - this.position(log), refused);
  }

  join(member: MemoryMember): void {
    this.members.push(member);
    this.wake();
  }

  /** What the member refused stays with the group: another member that reads its topics gets it, or the next. */
  leave(member: MemoryMember): void {
    this.members.splice(this.members.indexOf(member), 1);
    if (this.members.length > 0) return;
    for (const batch of this.pausing.keys()) this.takeUp(batch);
  }

  /** Hands over what waits once this turn of the event loop is over. */
  wake(): void {
    if (this.awake || !this.members.some((member) => this.hasWorkFor(member))) return;
    this.awake = true;
    soon(() => {
      this.awake = false;
      this.handOver();
    });
  }

  /** @returns after how many milliseconds the batch comes again */
  refused({ records, refusals }: MemoryBatch): number {
    const pause = Math.min(firstPause * 2 ** refusals, longestPause);
    const batch = { records, refusals: refusals + 1 };
    this.pausing.set(
      batch,
      after(pause, () => this.takeUp(batch)),
    );
    if (this.members.length === 0) this.takeUp(batch);
    return pause;
  }

  private hasWorkFor(member: MemoryMember): boolean {
    return (
      this.again.some((batch) => member.reads(batch)) || [...member.logs].some((log) => this.position(log) < log.end)
    );
  }

  private takeUp(batch: MemoryBatch): void {
    this.pausing.get(batch)?.();
    this.pausing.delete(batch);
    const isWhole = this.members.some((member) => member.reads(batch));
    this.again.push(...(isWhole ? [batch] : byTopic(batch))); // nobody who is left may read all of its topics
    this.wake();
  }

  private handOver(): void {
    for (let member = this.leastBusy(); member; member = this.leastBusy()) member.take(this.next(member)!);
  }

  /** Of the members for whom something waits. */
  private leastBusy(): MemoryMember | undefined {
    const free = this.members.filter((member) => member.free && this.hasWorkFor(member));
    return free.reduce<MemoryMember | undefined>(
      (least, one) => (least && least.inHand <= one.inHand ? least : one),
      undefined,
    );
  }

  private next(member: MemoryMember): MemoryBatch | undefined {
    const again = this.again.find((batch) => member.reads(batch));
    if (again) {
      this.again.splice(this.again.indexOf(again), 1);
      return again;
    }
    const records: IncomingRecord[] = [];
    for (const log of member.logs) {
      const position = this.position(log);
      if (position === log.end || records.length === batchSize) continue;
      const read = log.read(position, batchSize - records.length);
      this.positions.set(log, position + read.length);
      records.push(...read);
    }
    return records.length > 0 ? { records, refusals: 0 } : undefined;
  }

  private position(log: TopicLog): number {
    return this.positions.get(log) ?? 0;
  }
}

function byTopic({ records, refusals }: MemoryBatch): readonly MemoryBatch[] {
  const topics = new Set(records.map(({ origin }) => origin.topic));
  return [...topics].map((topic) => ({ records: records.filter(({ origin }) => origin.topic === topic), refusals }));
}
