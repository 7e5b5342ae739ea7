import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { Relay } from '../../libs/saga/src/flow/relay.js';
import { defaultSettings } from '../../libs/saga/src/flow/participant.js';
import type { OutboxMessage } from '../../libs/saga/src/ports/step-store.js';
import { topicsNamed } from '../../libs/saga/src/protocol/topics.js';
import { Scene, ids } from '../../libs/saga/src/testing/store-contract-scene.js';
import { Ground } from './stage/service.js';

const { sweepEvery } = defaultSettings;

let ground: Ground;
let scene: Scene;
let logs: string[];
beforeEach(() => {
  ground = new Ground();
  const { clock, store } = ground;
  scene = new Scene({ stores: [store, store], now: () => clock.now(), elapse: (ms) => clock.advance(ms) });
  logs = [];
});

function relay(): Relay {
  const log = (message: string): void => void logs.push(message);
  const { store, transport, clock } = ground;
  const logger = { log, warn: log, error: log };
  return new Relay({ store, transport, clock, logger, topics: topicsNamed('perSaga'), settings: defaultSettings });
}

async function commit(count: number): Promise<readonly OutboxMessage[]> {
  return scene.staged(count);
}

const eventIds = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ event }) => event.id);
const backlog = async (): Promise<number> => (await ground.store.outbox.backlog()).size;

describe('the relay', () => {
  it('publishes what it is handed at once, without reading the database', async () => {
    const messages = await commit(3);
    ground.store.outbox.sweep = () => Promise.reject(new Error('must not be asked'));
    relay().hand(messages);
    await turn();
    expect(ground.transport.sends.map((send) => send.length)).toEqual([3]);
    expect(ground.transport.eventIds).toEqual(eventIds(messages));
  });

  it('sends what was committed in one turn together, in the order of the commits', async () => {
    const one = relay();
    const messages = await commit(6);
    for (const message of messages) one.hand([message]);
    await turn();
    expect(ground.transport.sends.map((send) => send.length)).toEqual([6]);
    expect(ground.transport.eventIds).toEqual(eventIds(messages));
  });

  it('has one send in flight, and the next takes all that came meanwhile', async () => {
    const messages = await commit(5);
    const one = relay();
    let sending = 0;
    let most = 0;
    const publish = ground.transport.publish.bind(ground.transport);
    ground.transport.publish = async (records) => {
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
    expect(ground.transport.sends.length).toBeLessThan(5);
    expect(ground.transport.eventIds).toEqual(eventIds(messages));
  });

  it('gives published ids to the next transaction, and gets them back when that fails', async () => {
    const one = relay();
    const messages = await commit(2);
    one.hand(messages);
    await turn();
    const published = one.takePublished();
    expect(published).toEqual(ids(messages));
    expect(one.takePublished()).toEqual([]);
    one.giveBack(published);
    expect(one.takePublished()).toEqual(ids(messages));
  });

  it('deletes published ids itself when no transaction comes', async () => {
    relay().hand(await commit(2));
    await turn();
    expect(await backlog()).toBe(2);
    await ground.clock.advance(100);
    expect(await backlog()).toBe(0);
  });

  it('deletes them later when the database is away, and publishes nothing twice for it', async () => {
    const one = relay();
    one.start();
    await ground.clock.advance(0);
    const flush = ground.store.outbox.delete;
    ground.store.outbox.delete = () => Promise.reject(new Error('the database is away'));
    one.hand(await commit(2));
    await ground.clock.advance(3 * sweepEvery);
    expect(ground.transport.published).toHaveLength(2);
    expect(logs.join()).toContain('the database is away');
    ground.store.outbox.delete = flush;
    await ground.clock.advance(sweepEvery);
    expect(await backlog()).toBe(0);
  });
});

describe('a broker that is away', () => {
  it('loses nothing and no order: all goes out when it is back, what came first first', async () => {
    const one = relay();
    ground.transport.down = new Error('ECONNREFUSED');
    const first = await commit(2);
    one.hand(first);
    await ground.clock.advance(1_700);
    const second = await commit(2);
    one.hand(second);
    await ground.clock.advance(10_000);
    expect(ground.transport.published).toEqual([]);
    expect(await backlog()).toBe(4);
    ground.transport.down = undefined;
    await ground.clock.advance(1_000);
    expect(ground.transport.eventIds).toEqual(eventIds([...first, ...second]));
    expect(await backlog()).toBe(0);
    expect(logs.join()).toContain('ECONNREFUSED');
  });

  it('that takes only some of a send is sent the others again, before anything later', async () => {
    const one = relay();
    const messages = await commit(4);
    const refused = new Set(eventIds(messages.slice(1, 3)));
    ground.transport.refuse = ({ headers }) =>
      refused.has(headers['ce_id']!) ? { reason: 'leader not available', retriable: true } : undefined;
    one.hand(messages);
    await turn();
    ground.transport.refuse = () => undefined;
    const later = await commit(1);
    one.hand(later);
    await ground.clock.advance(1_000);
    const [a, b, c, d] = messages;
    expect(ground.transport.eventIds).toEqual(eventIds([a!, d!, b!, c!, ...later]));
    expect(await backlog()).toBe(0);
  });

  it('that can never take a message holds up no other: that one stays in the outbox, and the log says so', async () => {
    const one = relay();
    one.start();
    await ground.clock.advance(0);
    const messages = await commit(3);
    ground.transport.refuse = ({ headers }) =>
      headers['ce_id'] === messages[1]!.event.id ? { reason: 'too large', retriable: false } : undefined;
    one.hand(messages);
    await ground.clock.advance(200);
    const later = await commit(2);
    one.hand(later);
    await ground.clock.advance(4 * sweepEvery);
    expect(ground.transport.eventIds).toEqual(eventIds([messages[0]!, messages[2]!, ...later]));
    expect(await backlog()).toBe(1);
    expect(logs.join()).toContain(
      `${messages[1]!.event.id} to topic "saga.order": too large (it can never be published)`,
    );
  });
});

describe('the sweep', () => {
  it('publishes at once what an earlier life committed and did not publish', async () => {
    const left = await commit(3);
    relay().start();
    await ground.clock.advance(1);
    expect(ground.transport.eventIds).toEqual(eventIds(left));
    expect(await backlog()).toBe(0);
  });

  it('publishes what another process left, once it is old enough, however much it is', async () => {
    relay().start();
    await ground.clock.advance(0);
    await commit(1_200);
    await ground.clock.advance(sweepEvery - 1);
    expect(ground.transport.published).toEqual([]);
    await ground.clock.advance(sweepEvery + 1);
    expect(new Set(ground.transport.eventIds).size).toBe(1_200);
    expect(await backlog()).toBe(0);
  });

  it('finds what did not fit in memory', { timeout: 30_000 }, async () => {
    const one = relay();
    one.start();
    await ground.clock.advance(0);
    ground.transport.down = new Error('away');
    const messages = await commit(23_000);
    for (let at = 0; at < messages.length; at += 1_000) one.hand(messages.slice(at, at + 1_000));
    ground.transport.down = undefined;
    await ground.clock.advance(1_000);
    expect(ground.transport.published.length).toBeLessThan(23_000);
    await ground.clock.advance(3 * sweepEvery);
    expect(new Set(ground.transport.eventIds)).toEqual(new Set(eventIds(messages)));
    expect(await backlog()).toBe(0);
  });

  it('goes on while the relay is busy without end', async () => {
    const one = relay();
    one.start();
    await ground.clock.advance(0);
    const left = await commit(1);
    const publish = ground.transport.publish.bind(ground.transport);
    ground.transport.publish = async (records) => {
      one.hand(await commit(1));
      await new Promise<void>((resolve) => ground.clock.after(100, resolve));
      await publish(records);
    };
    one.hand(await commit(1));
    await ground.clock.advance(2 * sweepEvery + 10);
    ground.transport.publish = publish;
    expect(ground.transport.eventIds).toContain(left[0]!.event.id);
  });

  it('is made again after it failed', async () => {
    relay().start();
    ground.transport.down = new Error('away');
    const left = await commit(1);
    await ground.clock.advance(sweepEvery);
    ground.transport.down = undefined;
    await ground.clock.advance(sweepEvery);
    expect(ground.transport.eventIds).toEqual(eventIds(left));
    expect(logs.join()).toContain('Sweeping the outbox failed');
  });
});

describe('a relay that stops', () => {
  it('publishes and deletes what it has in hand, and takes nothing more', async () => {
    const one = relay();
    one.start();
    const messages = await commit(700);
    one.hand(messages);
    await one.stop();
    expect(ground.transport.published).toHaveLength(700);
    expect(await backlog()).toBe(0);
    const late = await commit(1);
    one.hand(late);
    await ground.clock.advance(10 * sweepEvery);
    expect(ground.transport.published).toHaveLength(700);
    expect(await backlog()).toBe(1);
  });

  it('does not wait for a broker that is away: what it has stays in the outbox', async () => {
    const one = relay();
    ground.transport.down = new Error('away');
    one.hand(await commit(3));
    await turn();
    const stopped = one.stop();
    await ground.clock.advance(500);
    await stopped;
    expect(await backlog()).toBe(3);
  });
});
