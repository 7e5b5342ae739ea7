import { beforeEach, describe, expect, it } from 'vitest';
import { eventIds, RelayScene, sweepEvery } from './stage/relay-scene.js';

let scene: RelayScene;
beforeEach(() => void (scene = new RelayScene()));

describe('the sweep', () => {
  it('publishes at once what an earlier life committed and did not publish', async () => {
    const left = await scene.commit(3);
    scene.relay().start();
    await scene.clock.advance(1);
    expect(scene.transport.eventIds).toEqual(eventIds(left));
    expect(await scene.backlog()).toBe(0);
  });

  it('publishes what another process left, once it is old enough, however much it is', async () => {
    scene.relay().start();
    await scene.clock.advance(0);
    await scene.commit(1_200);
    await scene.clock.advance(sweepEvery - 1);
    expect(scene.transport.published).toEqual([]);
    await scene.clock.advance(sweepEvery + 1);
    expect(new Set(scene.transport.eventIds).size).toBe(1_200);
    expect(await scene.backlog()).toBe(0);
  });

  it('finds what did not fit in memory', { timeout: 30_000 }, async () => {
    const one = scene.relay();
    one.start();
    await scene.clock.advance(0);
    scene.transport.down = new Error('away');
    const messages = await scene.commit(23_000);
    for (let at = 0; at < messages.length; at += 1_000) one.hand(messages.slice(at, at + 1_000));
    scene.transport.down = undefined;
    await scene.clock.advance(1_000);
    expect(scene.transport.published.length).toBeLessThan(23_000);
    await scene.clock.advance(3 * sweepEvery);
    expect(new Set(scene.transport.eventIds)).toEqual(new Set(eventIds(messages)));
    expect(await scene.backlog()).toBe(0);
  });

  it('goes on while the relay is busy without end', async () => {
    const one = scene.relay();
    one.start();
    await scene.clock.advance(0);
    const left = await scene.commit(1);
    const publish = scene.transport.publish.bind(scene.transport);
    scene.transport.publish = async (records) => {
      one.hand(await scene.commit(1));
      await new Promise<void>((resolve) => scene.clock.after(100, resolve));
      await publish(records);
    };
    one.hand(await scene.commit(1));
    await scene.clock.advance(2 * sweepEvery + 10);
    scene.transport.publish = publish;
    expect(scene.transport.eventIds).toContain(left[0]!.event.id);
  });

  it('leaves alone what this process is sending, however long that takes', async () => {
    const one = scene.relay();
    one.start();
    await scene.clock.advance(0);
    const publish = scene.transport.publish.bind(scene.transport);
    scene.transport.publish = async (records) => {
      await new Promise<void>((resolve) => scene.clock.after(3 * sweepEvery, resolve));
      await publish(records);
    };
    const messages = await scene.commit(3);
    one.hand(messages);
    await scene.clock.advance(10 * sweepEvery);
    expect(scene.transport.eventIds).toEqual(eventIds(messages));
    expect(await scene.backlog()).toBe(0);
  });

  it('is made again after it failed', async () => {
    scene.relay().start();
    scene.transport.down = new Error('away');
    const left = await scene.commit(1);
    await scene.clock.advance(sweepEvery);
    scene.transport.down = undefined;
    await scene.clock.advance(sweepEvery);
    expect(scene.transport.eventIds).toEqual(eventIds(left));
    expect(scene.logs.join()).toContain('sweeping the outbox failed');
  });
});
