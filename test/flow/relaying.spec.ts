import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { ids } from '../../libs/saga/src/testing/store-contract-scene.js';
import { eventIds, RelayScene, sweepEvery } from './stage/relay-scene.js';

let scene: RelayScene;
beforeEach(() => void (scene = new RelayScene()));

describe('the relay', () => {
  it('publishes what it is handed at once, without reading the database', async () => {
    const messages = await scene.commit(3);
    scene.store.outbox.sweep = () => Promise.reject(new Error('must not be asked'));
    scene.relay().hand(messages);
    await turn();
    expect(scene.transport.sends.map((send) => send.length)).toEqual([3]);
    expect(scene.transport.eventIds).toEqual(eventIds(messages));
  });

  it('publishes outside the context of whoever hands over', async () => {
    const context = new AsyncLocalStorage<string>();
    const one = scene.relay();
    const seen: (string | undefined)[] = [];
    scene.transport.publish = async () => void seen.push(context.getStore());
    const messages = await scene.commit(1);
    context.run('a step', () => one.hand(messages));
    await turn();
    expect(seen).toEqual([undefined]);
  });

  it('sends what was committed in one turn together, in the order of the commits', async () => {
    const one = scene.relay();
    const messages = await scene.commit(6);
    for (const message of messages) one.hand([message]);
    await turn();
    expect(scene.transport.sends.map((send) => send.length)).toEqual([6]);
    expect(scene.transport.eventIds).toEqual(eventIds(messages));
  });

  it('has one send in flight, and the next takes all that came meanwhile', async () => {
    const messages = await scene.commit(5);
    const one = scene.relay();
    let sending = 0;
    let most = 0;
    const publish = scene.transport.publish.bind(scene.transport);
    scene.transport.publish = async (records) => {
      most = Math.max(most, (sending += 1));
      await turn();
      await publish(records);
      sending -= 1;
    };
    for (const message of messages) {
      one.hand([message]);
      await Promise.resolve();
    }
    for (let round = 0; round < 6; round += 1) await turn();
    expect(most).toBe(1);
    expect(scene.transport.sends.length).toBeLessThan(5);
    expect(scene.transport.eventIds).toEqual(eventIds(messages));
  });

  it('gives published ids to the next transaction once they are many, and gets them back when that fails', async () => {
    const one = scene.relay();
    const messages = await scene.commit(20);
    one.hand(messages.slice(0, 19));
    await turn();
    expect(one.takePublished()).toEqual([]);
    one.hand(messages.slice(19));
    await turn();
    const published = one.takePublished();
    expect(published).toEqual(ids(messages));
    expect(one.takePublished()).toEqual([]);
    one.giveBack(published);
    expect(one.takePublished()).toEqual(ids(messages));
  });

  it('deletes published ids itself when no transaction comes', async () => {
    scene.relay().hand(await scene.commit(2));
    await turn();
    expect(await scene.backlog()).toBe(2);
    await scene.clock.advance(100);
    expect(await scene.backlog()).toBe(0);
  });

  it('deletes them later when the database is away, and publishes nothing twice for it', async () => {
    const one = scene.relay();
    one.start();
    await scene.clock.advance(0);
    const flush = scene.store.outbox.delete;
    scene.store.outbox.delete = () => Promise.reject(new Error('the database is away'));
    one.hand(await scene.commit(2));
    await scene.clock.advance(3 * sweepEvery);
    expect(scene.transport.published).toHaveLength(2);
    expect(scene.logs.join()).toContain('the database is away');
    scene.store.outbox.delete = flush;
    await scene.clock.advance(sweepEvery);
    expect(await scene.backlog()).toBe(0);
  });
});

describe('a broker that is away', () => {
  it('loses nothing and no order: all goes out when it is back, what came first first', async () => {
    const one = scene.relay();
    scene.transport.down = new Error('ECONNREFUSED');
    const first = await scene.commit(2);
    one.hand(first);
    await scene.clock.advance(1_700);
    const second = await scene.commit(2);
    one.hand(second);
    await scene.clock.advance(10_000);
    expect(scene.transport.published).toEqual([]);
    expect(await scene.backlog()).toBe(4);
    scene.transport.down = undefined;
    await scene.clock.advance(1_000);
    expect(scene.transport.eventIds).toEqual(eventIds([...first, ...second]));
    expect(await scene.backlog()).toBe(0);
    expect(scene.logs.join()).toContain('ECONNREFUSED');
  });

  it('that takes only some of a send is sent the others again, before anything later', async () => {
    const one = scene.relay();
    const messages = await scene.commit(4);
    const refused = new Set(eventIds(messages.slice(1, 3)));
    scene.transport.refuse = ({ headers }) =>
      refused.has(headers['ce_id']!) ? { reason: 'leader not available', retriable: true } : undefined;
    one.hand(messages);
    await turn();
    scene.transport.refuse = () => undefined;
    const later = await scene.commit(1);
    one.hand(later);
    await scene.clock.advance(1_000);
    const [a, b, c, d] = messages;
    expect(scene.transport.eventIds).toEqual(eventIds([a!, d!, b!, c!, ...later]));
    expect(await scene.backlog()).toBe(0);
  });

  it('that can never take a message holds up no other: that one goes to the dead letters, once, and the log says so', async () => {
    const one = scene.relay();
    one.start();
    await scene.clock.advance(0);
    const messages = await scene.commit(3);
    const tooLarge = messages[1]!.event;
    let refusals = 0;
    scene.transport.refuse = ({ headers }) => {
      if (headers['ce_id'] !== tooLarge.id) return undefined;
      refusals += 1;
      return { reason: 'too large', retriable: false };
    };
    one.hand(messages);
    await scene.clock.advance(200);
    const later = await scene.commit(2);
    one.hand(later);
    await scene.clock.advance(4 * sweepEvery);
    expect(scene.transport.eventIds).toEqual(eventIds([messages[0]!, messages[2]!, ...later]));
    expect(await scene.backlog()).toBe(0);
    expect(refusals).toBe(1);
    expect(scene.tally.snapshot()).toMatchObject({ deadLettered: 1 });
    const [letter] = scene.letters();
    expect(letter).toMatchObject({ reason: 'too large', audience: 'outbox', origin: { event: tooLarge.id } });
    expect(scene.logs.join()).toContain(`Event ${tooLarge.id} can never be published`);
  });

  it('that takes no dead letter either leaves such a message in the outbox until it does', async () => {
    const one = scene.relay();
    one.start();
    await scene.clock.advance(0);
    const [tooLarge] = await scene.commit(1);
    scene.transport.refuse = ({ headers }) =>
      'ce_id' in headers ? { reason: 'too large', retriable: false } : { reason: 'no leader', retriable: true };
    one.hand([tooLarge!]);
    await scene.clock.advance(2 * sweepEvery);
    expect(await scene.backlog()).toBe(1);
    scene.transport.refuse = ({ headers }) =>
      'ce_id' in headers ? { reason: 'too large', retriable: false } : undefined;
    await scene.clock.advance(2 * sweepEvery);
    expect(await scene.backlog()).toBe(0);
    expect(scene.letters()).toHaveLength(1);
  });
});

describe('an event of which no record can be made', () => {
  it('goes to the dead letters and holds up no other', async () => {
    const one = scene.relay();
    const messages = await scene.commit(2);
    const odd = { ...messages[0]!, event: { ...messages[0]!.event, cause: { step: 'a', reason: undefined as never } } };
    one.hand([odd, messages[1]!]);
    await scene.clock.advance(200);
    expect(scene.transport.eventIds).toEqual(eventIds([messages[1]!]));
    expect(scene.letters()).toMatchObject([{ reason: expect.stringContaining('no record can be made') as string }]);
    expect(await scene.backlog()).toBe(0);
  });
});

describe('a relay that stops', () => {
  it('publishes and deletes what it has in hand, and takes nothing more', async () => {
    const one = scene.relay();
    one.start();
    const messages = await scene.commit(700);
    one.hand(messages);
    await one.stop();
    expect(scene.transport.published).toHaveLength(700);
    expect(await scene.backlog()).toBe(0);
    const late = await scene.commit(1);
    one.hand(late);
    await scene.clock.advance(10 * sweepEvery);
    expect(scene.transport.published).toHaveLength(700);
    expect(await scene.backlog()).toBe(1);
  });

  it('does not wait for a broker that is away: what it has stays in the outbox', async () => {
    const one = scene.relay();
    scene.transport.down = new Error('away');
    one.hand(await scene.commit(3));
    await turn();
    const stopped = one.stop();
    await scene.clock.advance(500);
    await stopped;
    expect(await scene.backlog()).toBe(3);
  });
});
