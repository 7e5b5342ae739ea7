import assert from 'node:assert/strict';
import type { Scene } from './transport-contract-scene.js';

export interface TransportFact {
  readonly title: string;
  readonly body: (scene: Scene) => Promise<void>;
}

/** At least once, to every group, until it is handled. */
export const deliveryFacts: readonly TransportFact[] = [
  {
    title: 'a record arrives as it was published: topic, key, headers, value and its bytes',
    body: async (scene) => {
      const transport = scene.open();
      const inbox = await scene.consume(transport);
      const value = '{"title":"Käse, 起動, 🚀"}';
      await transport.publish([
        { ...scene.message(value), key: 'saga-ü', headers: { ce_id: 'ä', 'content-type': 'application/json' } },
      ]);
      await scene.until('the record arrives', () => inbox.records.length > 0);
      const [record] = inbox.records;
      assert.equal(record?.value, value);
      assert.equal(record.key, 'saga-ü');
      assert.deepEqual({ ...record.headers }, { ce_id: 'ä', 'content-type': 'application/json' });
      assert.equal(Buffer.from(record.raw).toString(), value);
      assert.equal(record.origin.topic, scene.name('events'));
      assert.equal(record.malformed, undefined);
    },
  },
  {
    title: 'every group sees every record of its topics, and of no other topic',
    body: async (scene) => {
      const transport = scene.open();
      const one = await scene.consume(transport, { group: 'one', topics: ['events', 'more'] });
      const two = await scene.consume(scene.open('other'), { group: 'two' });
      await transport.publish([...scene.messages(20), ...scene.messages(20, 'more')]);
      const values = (topic: string): string[] => scene.messages(20, topic).map((message) => message.value);
      await scene.until('group one has both topics', () => one.holds([...values('events'), ...values('more')]));
      await scene.until('group two has its topic', () => two.holds(values('events')));
      assert.ok(two.records.every((record) => record.origin.topic === scene.name('events')));
    },
  },
  {
    title: 'members of one group share its records',
    body: async (scene) => {
      const [first, second] = [scene.open('first'), scene.open('second')];
      const inboxes = await Promise.all([first, second].map((transport) => scene.consume(transport)));
      const seen = (): number => new Set(inboxes.flatMap((inbox) => inbox.values)).size;
      const total = (): number => inboxes.reduce((sum, inbox) => sum + inbox.records.length, 0);
      for (let round = 0; round < 20; round += 1)
        await first.publish(
          scene.messages(10, 'events').map((message) => ({ ...message, value: `${round}-${message.value}` })),
        );
      await scene.until('all records are handled', () => seen() === 200);
      await scene.quiet();
      assert.ok(total() < 400, `each member was given everything: ${total()} deliveries of 200 records`);
    },
  },
  {
    title: 'a record that was published before a group first subscribed reaches it',
    body: async (scene) => {
      const transport = scene.open();
      await transport.publish(scene.messages(30));
      const inbox = await scene.consume(scene.open('late'));
      await scene.until('the earlier records arrive', () =>
        inbox.holds(scene.messages(30).map((message) => message.value)),
      );
    },
  },
  {
    title: 'a refused batch comes again as a whole, after a pause, until it is handled',
    body: async (scene) => {
      const transport = scene.open();
      const attempts: { at: number; values: string[] }[] = [];
      const inbox = await scene.consume(transport, {
        handle: async (records) => {
          attempts.push({ at: performance.now(), values: records.map((record) => record.value) });
          if (attempts.length <= 3) throw new Error('the database is away');
        },
      });
      await transport.publish(scene.messages(5).map((message) => ({ ...message, key: 'one partition' })));
      await scene.until('the refused batch is handled', () => inbox.holds(attempts[0]?.values ?? ['none']));
      await scene.until('all records are handled', () =>
        inbox.holds(scene.messages(5).map((message) => message.value)),
      );
      const pauses = attempts.slice(1).map(({ at }, index) => at - attempts[index]!.at);
      assert.ok(Math.min(...pauses) >= 10, `no pause between attempts: ${pauses.join(', ')} ms`);
    },
  },
  {
    title: 'later records are handed over while an earlier batch is still in hand',
    body: async (scene) => {
      const transport = scene.open();
      const stuck: { release?: () => void } = {};
      const inbox = await scene.consume(transport, {
        handle: async (records) => {
          if (records.some((record) => record.value === 'slow'))
            await new Promise<void>((resolve) => (stuck.release = resolve));
        },
      });
      await transport.publish([scene.message('slow')]);
      await scene.until('the first batch is in hand', () => stuck.release !== undefined);
      await transport.publish([{ ...scene.message('quick'), key: 'key-slow' }]);
      await scene.until('the second record is handled', () => inbox.holds(['quick'])).finally(() => stuck.release?.());
      await scene.until('the first record is handled', () => inbox.holds(['slow']));
    },
  },
  {
    title: 'concurrent publishes all resolve, and all their records arrive',
    body: async (scene) => {
      const transport = scene.open();
      const inbox = await scene.consume(transport);
      const all = scene.messages(300);
      await Promise.all([transport.publish([]), ...all.map((message) => transport.publish([message]))]);
      await scene.until('all records arrive', () => inbox.holds(all.map((message) => message.value)));
    },
  },
  {
    title: 'a handler never runs inside the call that publishes',
    body: async (scene) => {
      const transport = scene.open();
      let publishing = false;
      let inside = false;
      const inbox = await scene.consume(transport, { handle: async () => void (inside ||= publishing) });
      publishing = true;
      const published = transport.publish(scene.messages(5));
      publishing = false;
      await published;
      await scene.until('the records arrive', () => inbox.records.length >= 5);
      assert.equal(inside, false);
    },
  },
];
