import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { IncomingRecord } from '../../ports/transport.js';
import { PartitionLane } from './kafka-lane.js';

interface Hand {
  readonly offsets: readonly string[];
  done(): Promise<void>;
  refuse(): Promise<void>;
}

function records(from: number, count: number): IncomingRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const origin = { topic: 'events', partition: 0, offset: String(from + index) };
    return { headers: {}, key: '', value: '', raw: Buffer.alloc(0), origin };
  });
}

/** Collects garbage at once. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** A lane whose handler ends when the test says so. */
function laneAtWork(): { lane: PartitionLane; hands: Hand[]; committable: string[]; pauses: number[] } {
  const hands: Hand[] = [];
  const committable: string[] = [];
  const pauses: number[] = [];
  const settled = (): Promise<void> => vi.advanceTimersByTimeAsync(0).then(() => undefined);
  const lane = new PartitionLane({
    handle: (taken) =>
      new Promise((resolve, reject) => {
        const end = (call: () => void) => (): Promise<void> => {
          hands.splice(hands.indexOf(hand), 1);
          call();
          return settled();
        };
        const hand = {
          offsets: taken.map(({ origin }) => origin.offset!),
          done: end(resolve),
          refuse: end(() => reject(new Error('not now'))),
        };
        hands.push(hand);
      }),
    handledBelow: (offset) => void committable.push(offset),
    refused: (_taken, _error, pauseMs) => void pauses.push(pauseMs),
  });
  return { lane, hands, committable, pauses };
}

const firsts = (hands: Hand[]): string[] => hands.map(({ offsets }) => offsets[0]!);

describe('the lane of a partition', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    return () => vi.useRealTimers();
  });

  it('hands over at most four chunks of 250 records at once', async () => {
    const { lane, hands } = laneAtWork();
    lane.offer(records(0, 1_400), '1400');
    expect(firsts(hands)).toEqual(['0', '250', '500', '750']);
    expect(hands[0]?.offsets).toHaveLength(250);
    await hands[1]!.done();
    expect(firsts(hands)).toEqual(['0', '500', '750', '1000']);
  });

  it('never lets an offset be committed above a record that is not handled', async () => {
    const { lane, hands, committable } = laneAtWork();
    lane.offer(records(0, 1_000), '1005');
    await hands[3]!.done();
    await hands[1]!.done();
    expect(committable).toEqual([]);
    await hands[0]!.done();
    expect(committable).toEqual(['500']);
    await hands[0]!.done();
    expect(committable).toEqual(['500', '1005']);
  });

  it('keeps nothing of what is handled but its offset, however far it runs ahead of a record that is stuck', async () => {
    const { lane, hands, committable } = laneAtWork();
    const gc = collector();
    const offered: WeakRef<object>[] = [];
    const offer = (from: number): void => {
      const some = records(from, 250);
      offered.push(new WeakRef(some[100]!));
      lane.offer(some, String(from + 250));
    };
    for (let chunk = 0; chunk < 40; chunk += 1) {
      offer(chunk * 250);
      if (chunk > 0) await hands[1]!.done();
    }
    gc();
    expect(offered.filter((record) => record.deref()).length).toBeLessThan(4);
    await hands[0]!.done();
    expect(committable).toEqual(['10000']);
  });

  it('commits past the gaps that compaction leaves', async () => {
    const { lane, hands, committable } = laneAtWork();
    lane.offer([...records(0, 250), ...records(900, 10)], '950');
    await hands[0]!.done();
    expect(committable).toEqual(['900']);
    await hands[0]!.done();
    expect(committable).toEqual(['900', '950']);
  });

  it('rests after a refusal, twice as long after each, and goes on chunk by chunk until one is handled', async () => {
    const { lane, hands, pauses, committable } = laneAtWork();
    lane.offer(records(0, 1_000), '1000');
    for (const hand of hands.toReversed()) await hand.refuse();
    await vi.advanceTimersByTimeAsync(150);
    expect(hands).toEqual([]);
    await vi.advanceTimersByTimeAsync(150);
    expect(firsts(hands)).toEqual(['0']);
    await hands[0]!.refuse();
    expect(pauses.slice(0, 4)).toEqual(Array(4).fill(pauses[0]));
    expect(pauses[4]! / pauses[0]!).toBeGreaterThan(1.2);
    await vi.advanceTimersByTimeAsync(pauses[4]! - 20);
    expect(hands).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_000);
    await hands[0]!.done();
    expect(firsts(hands)).toEqual(['250', '500', '750']);
    expect(committable).toEqual(['250']);
  });

  it('has no room while it rests or when too much waits, and tells when there is some again', async () => {
    const { lane, hands } = laneAtWork();
    lane.offer(records(0, 3_000), '3000');
    expect(lane.hasRoom).toBe(false);
    let room = false;
    void lane.room().then(() => (room = true));
    await hands[0]!.done();
    expect(room).toBe(true);
    await hands[0]!.refuse();
    expect(await lane.roomWithin(1_000)).toBe(false);
  });

  it('hands over nothing once it is closed, and is closed when nothing is in hand', async () => {
    const { lane, hands } = laneAtWork();
    lane.offer(records(0, 1_500), '1500');
    let closed = false;
    void lane.close().then(() => (closed = true));
    for (const hand of hands.slice()) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(closed).toBe(false);
      await hand.done();
    }
    expect(hands).toEqual([]);
    expect(closed).toBe(true);
    lane.offer(records(1_500, 10), '1510');
    expect(hands).toEqual([]);
  });
});
