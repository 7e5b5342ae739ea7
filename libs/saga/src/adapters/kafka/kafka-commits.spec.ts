import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { TopicPartitionOffset } from 'kafkajs';
import { OffsetCommits } from './kafka-commits.js';

const at = (partition: number, offset: string): TopicPartitionOffset => ({ topic: 'events', partition, offset });

const unexpected = (error: unknown): void => {
  throw error;
};

describe('the commits of offsets', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    return () => vi.useRealTimers();
  });

  it('go out together after a moment, the newest of each partition', async () => {
    const sent: TopicPartitionOffset[][] = [];
    const commits = new OffsetCommits(200, async (offsets) => void sent.push(offsets), unexpected);
    commits.mark(at(0, '1'));
    commits.mark(at(1, '7'));
    commits.mark(at(0, '2'));
    await vi.advanceTimersByTimeAsync(199);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent).toEqual([[at(0, '2'), at(1, '7')]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are tried again when they fail, unless a newer offset or another owner took their place', async () => {
    const sent: TopicPartitionOffset[][] = [];
    const failed = vi.fn<(error: unknown) => void>();
    const commits = new OffsetCommits(
      200,
      async (offsets) => {
        sent.push(offsets);
        if (sent.length > 1) return;
        commits.mark(at(0, '9'));
        commits.forget('events', 2);
        throw new Error('rebalancing');
      },
      failed,
    );
    commits.mark(at(0, '1'));
    commits.mark(at(1, '1'));
    commits.mark(at(2, '1'));
    await vi.advanceTimersByTimeAsync(200);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent[1]).toEqual([at(0, '9'), at(1, '1')]);
    expect(failed).toHaveBeenCalledExactlyOnceWith(new Error('rebalancing'));
  });

  it('stop with a last one, which is tried for two seconds, and set no timer after it', async () => {
    const commit = vi.fn<() => Promise<void>>().mockRejectedValue(new Error('away'));
    const commits = new OffsetCommits(200, commit, () => undefined);
    commits.mark(at(0, '1'));
    let stopped = false;
    void commits.stop().then(() => (stopped = true));
    await vi.advanceTimersByTimeAsync(1_900);
    expect(stopped).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(stopped).toBe(true);
    expect(commit).toHaveBeenCalledTimes(11);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('stop at once when the last one succeeds', async () => {
    const commit = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('rebalancing')).mockResolvedValue();
    const commits = new OffsetCommits(200, commit, () => undefined);
    commits.mark(at(0, '1'));
    const stopping = commits.stop();
    await vi.advanceTimersByTimeAsync(200);
    await stopping;
    expect(commit).toHaveBeenCalledTimes(2);
  });
});
