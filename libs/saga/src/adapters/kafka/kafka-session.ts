import type {
  Consumer,
  ConsumerGroupJoinEvent,
  EachBatchPayload,
  GroupDescription,
  TopicPartitionOffset,
} from 'kafkajs';
import type { Subscription, TransportContext } from '../../ports/transport.js';
import { OffsetCommits } from './kafka-commits.js';
import { isRebalance, reasonOf } from './kafka-errors.js';
import type { Position } from './kafka-fetches.js';
import { PartitionLane } from './kafka-lane.js';
import { incoming } from './kafka-records.js';

const commitIntervalMs = 200;
const roomPatienceMs = 50;
/** Each costs a little on every fetch. A batch only stays here while its lane has no room, and not for long. */
const partitionsConsumedConcurrently = 8;

interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface HeldLane extends Place {
  readonly lane: PartitionLane;
}

/**
 * A consumer of kafkajs from its join to its end. Batches are taken out of kafkajs at once and handled in lanes, so that it goes on fetching and
 * sending heartbeats while handlers work, however long they take.
 */
export class KafkaSession {
  private readonly lanes = new Map<string, HeldLane>();
  private readonly closing = new Set<Promise<void>>();
  /** Why records come again; told once, until some are handled or the reason is another. */
  private refusedFor: string | undefined;
  private readonly commits: OffsetCommits;
  private status: 'joining' | 'member' | 'leaving' | 'ended' = 'joining';
  private assigned = new Set<string>();
  private memberId: string | undefined;
  /** When the broker last answered as to a member of the group. */
  heard = 0;
  /** Resolves when kafkajs gives the consumer up, with the reason, and without one after `leave`. */
  readonly ended: Promise<Error | undefined>;
  private end: (reason?: Error) => void = () => undefined;
  private readonly joined: Promise<void>;

  constructor(
    private readonly consumer: Consumer,
    private readonly subscription: Subscription,
    private readonly logger: TransportContext['logger'],
    private readonly noteJoin: (payload: ConsumerGroupJoinEvent['payload']) => void,
  ) {
    this.commits = new OffsetCommits(
      commitIntervalMs,
      (offsets) => this.commit(offsets),
      (error) => this.uncommitted(error),
    );
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.joined = new Promise((resolve) => {
      consumer.on('consumer.group_join', ({ payload }) => resolve(this.onJoin(payload)));
    });
    consumer.on('consumer.heartbeat', () => void (this.heard = Date.now()));
    consumer.on('consumer.rebalancing', () => void this.commits.flush());
    consumer.on('consumer.crash', ({ payload }) => this.onCrash(payload.error));
  }

  /** Resolves when the group is joined. */
  async join(): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [...this.subscription.topics], fromBeginning: true });
    const eachBatch = (payload: EachBatchPayload): Promise<void> => this.take(payload);
    await this.consumer.run({ autoCommit: false, partitionsConsumedConcurrently, eachBatch });
    const reason = await Promise.race([this.joined, this.ended]);
    if (reason instanceof Error) throw reason;
  }

  /** The group as its coordinator sees it. */
  describe(): Promise<GroupDescription> {
    return this.consumer.describeGroup();
  }

  /** How many records of this session's partitions are not handled; nothing while one of them was never fetched. */
  lag(positions: ReadonlyMap<string, Position>): number | undefined {
    let sum = 0n;
    for (const name of this.assigned) {
      const position = positions.get(name);
      if (!position) return undefined;
      const from = this.lanes.get(name)?.lane.from;
      const behind = position.end - (from === undefined ? position.fetchOffset : BigInt(from));
      if (behind > 0n) sum += behind;
    }
    return Number(sum);
  }

  /** Waits for the batches in hand, commits what is handled and leaves the group. */
  async leave(): Promise<void> {
    if (this.status === 'member') {
      this.status = 'leaving';
      this.consumer.pause(this.subscription.topics.map((topic) => ({ topic })));
    }
    for (const { lane } of this.lanes.values()) this.close(lane);
    await Promise.all(this.closing);
    await this.commits.stop();
    this.status = 'ended';
    await this.consumer.disconnect();
    this.end();
  }

  private async take({ batch }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch;
    if (this.status !== 'member' || !this.assigned.has(nameOf(batch))) return;
    const held = this.lanes.get(nameOf(batch)) ?? this.hold({ topic, partition });
    held.lane.offer(
      batch.messages.map((message) => incoming(topic, partition, message)),
      String(BigInt(batch.lastOffset()) + 1n),
    );
    if (!(await held.lane.roomWithin(roomPatienceMs))) this.pause(held);
  }

  private hold({ topic, partition }: Place): HeldLane {
    const lane = new PartitionLane({
      handle: (records) => this.subscription.handle(records),
      handledBelow: (offset) => {
        this.refusedFor = undefined;
        if (this.lanes.get(nameOf(held)) === held) this.commits.mark({ topic, partition, offset });
      },
      refused: (records, error, pauseMs) => {
        const reason = reasonOf(error);
        if (reason === this.refusedFor) return;
        this.refusedFor = reason;
        const what = `${records.length} records of ${topic}[${partition}] from offset ${records[0]?.origin.offset}`;
        this.logger.warn(
          `Group "${this.subscription.group}": ${what} come again in ${pauseMs} ms, and others like them: ${reason}`,
        );
      },
    });
    const held = { topic, partition, lane };
    this.lanes.set(nameOf(held), held);
    return held;
  }

  /** Fetches nothing more of the partition until its lane has room. The others go on. */
  private pause({ topic, partition, lane }: HeldLane): void {
    if (this.status !== 'member') return;
    const place = [{ topic, partitions: [partition] }];
    this.consumer.pause(place);
    void lane.room().then(() => this.status === 'member' && this.consumer.resume(place));
  }

  /** The same member keeps its lanes over a rebalance; one that was put out of the group cannot know what others did since. */
  private onJoin(payload: ConsumerGroupJoinEvent['payload']): void {
    const { memberId, memberAssignment } = payload;
    const places = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => nameOf({ topic, partition })),
    );
    this.assigned = new Set(places);
    for (const [name, held] of this.lanes) {
      if (memberId !== this.memberId || !this.assigned.has(name)) this.drop(held);
      else if (held.lane.next !== undefined) this.consumer.seek({ ...held, offset: held.lane.next });
    }
    this.memberId = memberId;
    this.heard = Date.now();
    if (this.status === 'joining') this.status = 'member';
    this.noteJoin(payload);
  }

  private onCrash(reason: Error): void {
    if (this.status !== 'leaving') this.status = 'ended';
    this.end(reason);
  }

  private drop(held: HeldLane): void {
    this.lanes.delete(nameOf(held));
    this.commits.forget(held.topic, held.partition);
    this.close(held.lane);
  }

  private close(lane: PartitionLane): void {
    const closed = lane.close().finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  /** Of a session that is over nothing can be committed any more: its last records come again. */
  private async commit(offsets: TopicPartitionOffset[]): Promise<void> {
    if (this.status !== 'ended') await this.consumer.commitOffsets(offsets);
  }

  private uncommitted(error: unknown): void {
    if (isRebalance(error)) return;
    this.logger.warn(
      `Group "${this.subscription.group}": offsets are not committed yet, it is tried again: ${String(error)}`,
    );
  }
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
