import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { IncomingRecord, Transport, TransportFactory } from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';
import { transportContract } from '../../testing/transport-contract.js';
import { inMemory } from './memory-transport.js';

const message = (value: string): WireMessage => ({ topic: 'events', key: value, headers: {}, value });

function open(factory: TransportFactory, warnings: string[] = []): Transport {
  const warn = (text: string): void => void warnings.push(text);
  return factory({ service: 'test', logger: { error: warn, warn, log: warn } });
}

async function batchesOf(transport: Transport, group = 'group'): Promise<(readonly IncomingRecord[])[]> {
  const batches: (readonly IncomingRecord[])[] = [];
  await transport.subscribe({ group, topics: ['events'], handle: async (records) => void batches.push(records) });
  return batches;
}

const valuesOf = (batches: (readonly IncomingRecord[])[]): string[] => batches.flat().map((record) => record.value);

describe('the in-memory transport', () => {
  it.each(transportContract.map(({ title, run }) => [title, run] as const))('%s', async (_, run) => {
    await expect(run({ factory: inMemory(), patienceMs: 2_000 })).resolves.toBeUndefined();
  });

  it('hands over in one batch what was published in the same turn', async () => {
    const transport = open(inMemory());
    const batches = await batchesOf(transport);
    for (let index = 0; index < 50; index += 1) void transport.publish([message(`${index}`)]);
    await nextTurn();
    await nextTurn();
    expect(batches.map((batch) => batch.length)).toEqual([50]);
  });

  it('calls a subscriber outside the context of whoever published', async () => {
    const context = new AsyncLocalStorage<string>();
    const transport = open(inMemory());
    const seen: (string | undefined)[] = [];
    await transport.subscribe({
      group: 'group',
      topics: ['events'],
      handle: async () => void seen.push(context.getStore()),
    });
    await context.run('a step', () => transport.publish([message('here')]));
    await expect.poll(() => seen).toEqual([undefined]);
  });

  it('is one bus for the modules that share a factory, and another for another factory', async () => {
    const factory = inMemory();
    const [near, far] = await Promise.all([batchesOf(open(factory)), batchesOf(open(inMemory()))]);
    await open(factory).publish([message('here')]);
    await sleep(5);
    expect([valuesOf(near), valuesOf(far)]).toEqual([['here'], []]);
  });

  it('keeps a bounded number of records for late groups, and says what they miss', async () => {
    const factory = inMemory({ retention: 10 });
    const warnings: string[] = [];
    const transport = open(factory, warnings);
    for (let index = 0; index < 1_000; index += 1) await transport.publish([message(`${index}`)]);
    const late = await batchesOf(transport);
    await sleep(5);
    const kept = valuesOf(late);
    expect(kept.length).toBeGreaterThanOrEqual(10);
    expect(kept.length).toBeLessThanOrEqual(20);
    expect(kept.at(-1)).toBe('999');
    expect(warnings).toEqual([
      expect.stringContaining(`misses the oldest ${1_000 - kept.length} records of topic "events"`),
    ]);
  });

  it('forgets nothing that a group at work has not been given, however slow it is', async () => {
    const transport = open(inMemory({ retention: 10 }));
    const handed: string[] = [];
    let open16 = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open16 = resolve));
    await transport.subscribe({
      group: 'slow',
      topics: ['events'],
      handle: async (records) => {
        handed.push(...records.map((record) => record.value));
        await gate;
      },
    });
    for (let index = 0; index < 1_000; index += 1) {
      await transport.publish([message(`${index}`)]);
      if (index < 50) await nextTurn();
    }
    expect(handed.length).toBeLessThan(1_000);
    open16();
    await expect.poll(() => handed.length).toBe(1_000);
    expect(new Set(handed).size).toBe(1_000);
  });

  it('gives a batch that its member refused while leaving to another member', async () => {
    const factory = inMemory();
    const leaving = open(factory);
    let refuse = (): void => undefined;
    await leaving.subscribe({
      group: 'group',
      topics: ['events'],
      handle: () => new Promise((_, reject) => (refuse = () => reject(new Error('interrupted')))),
    });
    await leaving.publish([message('handed on')]);
    await sleep(5);
    const staying = await batchesOf(open(factory));
    const drained = leaving.drain();
    refuse();
    await drained;
    await expect.poll(() => valuesOf(staying)).toEqual(['handed on']);
  });

  it('hands a member of a group no records of topics that it does not subscribe to, as in a rolling deployment that adds a saga', async () => {
    const factory = inMemory();
    const [old, fresh] = [open(factory), open(factory)];
    const seen: Record<string, string[]> = { old: [], fresh: [] };
    const join = (transport: Transport, name: string, topics: string[]) =>
      transport.subscribe({
        group: 'group',
        topics,
        handle: async (records) => void seen[name]!.push(...records.map(({ origin }) => origin.topic)),
      });
    await join(old, 'old', ['events']);
    await join(fresh, 'fresh', ['events', 'added']);
    for (let round = 0; round < 40; round += 1) {
      await old.publish([{ ...message('a'), topic: 'added' }, message('e')]);
      await nextTurn();
    }
    await sleep(20);
    expect(new Set(seen['old'])).toEqual(new Set(['events']));
    expect(seen['fresh']!.filter((topic) => topic === 'added')).toHaveLength(40);
    expect([...seen['old']!, ...seen['fresh']!].filter((topic) => topic === 'events')).toHaveLength(40);
  });

  it('keeps what nobody who is left subscribes to for the next who does, also what was refused beside it', async () => {
    const factory = inMemory();
    const [old, fresh, next] = [open(factory), open(factory), open(factory)];
    const seen: string[] = [];
    const take = async (records: readonly IncomingRecord[]): Promise<void> =>
      void seen.push(...records.map(({ value }) => value));
    await fresh.subscribe({
      group: 'group',
      topics: ['events', 'added'],
      handle: async () => Promise.reject(new Error('not now')),
    });
    await fresh.publish([message('e'), { ...message('a'), topic: 'added' }]);
    await sleep(10);
    await old.subscribe({ group: 'group', topics: ['events'], handle: take });
    await fresh.drain();
    await expect.poll(() => seen).toEqual(['e']);
    await next.subscribe({ group: 'group', topics: ['events', 'added'], handle: take });
    await expect.poll(() => seen).toEqual(['e', 'a']);
  });
});
