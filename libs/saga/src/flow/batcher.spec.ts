import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../adapters/system/system-clock.js';
import type { Clock } from '../ports/clock.js';
import { Batcher, type Ending } from './batcher.js';

interface Item {
  readonly sagaId: string;
  readonly value: number;
}

const item = (value: number, sagaId = 'saga-1'): Item => ({ sagaId, value });
const doubled = (items: readonly Item[]): readonly Ending<number>[] =>
  items.map(({ value }) => ({ result: value * 2 }));

/** A batcher whose batches wait until they are let go, in the order in which they began. */
class Held {
  readonly batches: (readonly Item[])[] = [];
  atOnce = 0;
  most = 0;
  private readonly waiting: (() => void)[] = [];
  readonly batcher: Batcher<Item, number>;

  constructor(
    limits: { readonly lanes: number; readonly batchSize: number },
    clock: Pick<Clock, 'after'> = systemClock,
  ) {
    this.batcher = new Batcher(
      async (items) => {
        this.batches.push(items);
        this.most = Math.max(this.most, (this.atOnce += 1));
        await new Promise<void>((resolve) => this.waiting.push(resolve));
        this.atOnce -= 1;
        return doubled(items);
      },
      limits,
      clock,
    );
  }

  async letGo(): Promise<void> {
    this.waiting.shift()?.();
    await turn();
  }

  get values(): readonly (readonly number[])[] {
    return this.batches.map((batch) => batch.map(({ value }) => value));
  }
}

describe('the batcher', () => {
  it('settles later what somebody holds up, beside the others, and is not idle before', async () => {
    const [calls, tried]: [(() => void)[], number[]] = [[], []];
    const clock: Pick<Clock, 'after'> = { after: (_ms, call) => (calls.push(call), () => undefined) };
    const settle = async (items: readonly Item[]): Promise<readonly Ending<number>[]> => {
      tried.push(...items.map(({ value }) => value));
      return items.map(({ value }) => (value === 1 && calls.length === 0 ? 'later' : { result: value }));
    };
    const batcher = new Batcher(settle, { lanes: 1, batchSize: 50 }, clock);
    const held = batcher.add(item(1));
    await turn();
    let idle = false;
    void batcher.idle().then(() => (idle = true));
    expect(await batcher.add(item(2, 'saga-2'))).toBe(2);
    expect([tried, idle]).toEqual([[1, 2], false]);
    for (const call of calls) call();
    expect(await held).toBe(1);
    await turn();
    expect(idle).toBe(true);
  });

  it('settles a single member of an idle lane at once', async () => {
    const held = new Held({ lanes: 4, batchSize: 50 });
    const added = held.batcher.add(item(1));
    await turn();
    expect(held.values).toEqual([[1]]);
    await held.letGo();
    expect(await added).toBe(2);
  });

  it('settles members that arrive in the same turn together', async () => {
    const held = new Held({ lanes: 1, batchSize: 50 });
    void [1, 2, 3].map((value) => held.batcher.add(item(value, `saga-${value}`)));
    await turn();
    expect(held.values).toEqual([[1, 2, 3]]);
  });

  it('makes the next batch of what waited meanwhile, in the order of arrival, never over its limit', async () => {
    const held = new Held({ lanes: 1, batchSize: 3 });
    void held.batcher.add(item(0));
    await turn();
    for (let value = 1; value <= 7; value += 1) {
      void held.batcher.add(item(value, `saga-${value}`));
      await turn();
    }
    for (let round = 0; round < 4; round += 1) await held.letGo();
    expect(held.values).toEqual([[0], [1, 2, 3], [4, 5, 6], [7]]);
    expect(held.most).toBe(1);
  });

  it('never has two members of one saga in hand at the same time in two batches, and keeps their order', async () => {
    const open = new Map<string, number>();
    const seen: number[] = [];
    let overlaps = 0;
    const batcher = new Batcher<Item, number>(
      async (items) => {
        const sagas = new Set(items.map(({ sagaId }) => sagaId));
        for (const saga of sagas) {
          overlaps += open.get(saga) ?? 0;
          open.set(saga, 1);
        }
        await turn();
        for (const saga of sagas) open.delete(saga);
        for (const { sagaId, value } of items) if (sagaId === 'saga-7') seen.push(value);
        return doubled(items);
      },
      { lanes: 4, batchSize: 5 },
      systemClock,
    );
    const added = Array.from({ length: 400 }, (_, value) => batcher.add(item(value, `saga-${value % 20}`)));
    await Promise.all(added);
    expect(overlaps).toBe(0);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, round) => round * 20 + 7));
  });

  it('settles as many batches at once as it has lanes', async () => {
    const held = new Held({ lanes: 4, batchSize: 50 });
    for (let value = 0; value < 100; value += 1) void held.batcher.add(item(value, `saga-${value}`));
    await turn();
    expect(held.atOnce).toBe(4);
    const sizes = held.batches.map((batch) => batch.length);
    expect(Math.min(...sizes)).toBeGreaterThan(10); // ids that differ in their last digits only are spread all the same
  });

  it('lets few members wait for a batch that is running, and begins another beside it when more wait', async () => {
    const held = new Held({ lanes: 4, batchSize: 50 }, { after: () => () => undefined });
    void held.batcher.add(item(0));
    await turn();
    for (let value = 1; value <= 7; value += 1) void held.batcher.add(item(value, `saga-${value + 1}`));
    await turn();
    expect(held.values).toEqual([[0]]);
    void held.batcher.add(item(8, 'saga-9'));
    await turn();
    expect(held.values).toEqual([[0], [1, 2, 3, 4, 5, 6, 7, 8]]);
  });

  it('lets nobody wait for long: after 10 ms a single member has a batch of its own beside a slow one', async () => {
    const calls: { readonly ms: number; readonly call: () => void }[] = [];
    const after: Clock['after'] = (ms, call) => (calls.push({ ms, call }), () => undefined);
    const held = new Held({ lanes: 2, batchSize: 50 }, { after });
    void held.batcher.add(item(0));
    await turn();
    void held.batcher.add(item(1, 'saga-2'));
    await turn();
    expect(calls.map(({ ms }) => ms)).toEqual([10]);
    calls[0]!.call();
    expect(held.values).toEqual([[0], [1]]);
  });

  it('does not begin a batch with a member whose saga is in hand, however long it waits', async () => {
    const calls: (() => void)[] = [];
    const held = new Held({ lanes: 2, batchSize: 50 }, { after: (_ms, call) => (calls.push(call), () => undefined) });
    void held.batcher.add(item(0));
    await turn();
    void held.batcher.add(item(1));
    void held.batcher.add(item(2, 'saga-2'));
    await turn();
    calls[0]!();
    expect(held.values).toEqual([[0], [2]]);
    await held.letGo();
    await held.letGo();
    expect(held.values).toEqual([[0], [2], [1]]);
  });

  it('tells each member its own ending, in time with its batch', async () => {
    const batcher = new Batcher<Item, number>(
      async (items) => items.map(({ value }) => (value === 2 ? { error: new Error('two') } : { result: value * 2 })),
      { lanes: 1, batchSize: 50 },
      systemClock,
    );
    const endings = await Promise.allSettled([1, 2, 3].map((value) => batcher.add(item(value))));
    expect(endings).toEqual([
      { status: 'fulfilled', value: 2 },
      { status: 'rejected', reason: new Error('two') },
      { status: 'fulfilled', value: 6 },
    ]);
  });

  it('is idle when nothing waits and nothing is in hand', async () => {
    const held = new Held({ lanes: 2, batchSize: 1 });
    await held.batcher.idle();
    void [1, 2].map((value) => held.batcher.add(item(value)));
    let idle = false;
    const resting = held.batcher.idle().then(() => (idle = true));
    await held.letGo();
    await held.letGo();
    expect(idle).toBe(false);
    await held.letGo();
    await resting;
    expect(held.values).toEqual([[1], [2]]);
  });

  it('works in the context of nobody, and answers in the context of who asked', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const batcher = storage.run('service', () => {
      return new Batcher<Item, number>(
        async (items) => {
          await turn();
          seen.push(storage.getStore());
          return doubled(items);
        },
        { lanes: 1, batchSize: 1 },
        systemClock,
      );
    });
    await storage.run('request', async () => {
      await Promise.all([batcher.add(item(1)), batcher.add(item(2))]);
      seen.push(storage.getStore());
    });
    expect(seen).toEqual([undefined, undefined, 'request']);
  });
});
