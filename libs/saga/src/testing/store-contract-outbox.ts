import assert from 'node:assert/strict';
import { messageId } from '../protocol/envelope.js';
import type { OutboxMessage } from '../ports/step-store.js';
import { ids, signal, type StoreFact } from './store-contract-scene.js';

const all = async (messages: readonly OutboxMessage[]): Promise<readonly string[]> => ids(messages);

/** The outbox: what was committed is handed over until it is deleted, and nothing else is deleted. */
export const outboxFacts: readonly StoreFact[] = [
  {
    title: 'sweep hands over what waits, oldest first and at most as many as asked, and deletes it',
    body: async (scene) => {
      const staged = await scene.staged(5);
      const handed: (readonly string[])[] = [];
      const publish = async (messages: readonly OutboxMessage[]): Promise<readonly string[]> => {
        handed.push(ids(messages));
        return all(messages);
      };
      const counts = [];
      for (let round = 0; round < 3; round += 1) counts.push(await scene.store.outbox.sweep(3, 0, publish));
      assert.deepEqual(counts, [3, 2, 0]);
      assert.deepEqual(handed.flat(), ids(staged));
      assert.deepEqual(await scene.store.outbox.backlog(), { size: 0 });
    },
  },
  {
    title: 'sweep hands over events as they were staged, the ids that do not follow from their sagas too',
    body: async (scene) => {
      const { sagaId, step } = scene.row();
      const outcome = 'deadLettered';
      const again = scene.message({ sagaId, step, outcome, id: messageId(sagaId, step, outcome, 1) });
      const keyed = scene.message({ correlationId: 'http-7', partitionKey: 'customer-1' });
      await scene.save({ staged: [again, keyed] });
      assert.deepEqual(await scene.waiting(), [again, keyed]);
    },
  },
  {
    title: 'sweep leaves alone what is younger than it is told',
    body: async (scene) => {
      const old = await scene.staged(2);
      await scene.harness.elapse(600);
      await scene.staged(3);
      const handed: OutboxMessage[] = [];
      const count = await scene.store.outbox.sweep(10, 500, async (messages) => {
        handed.push(...messages);
        return all(messages);
      });
      assert.equal(count, 2);
      assert.deepEqual(ids(handed), ids(old));
      assert.equal((await scene.store.outbox.backlog()).size, 3);
    },
  },
  {
    title: 'sweep deletes exactly what was published: not the rest, and not what was staged meanwhile',
    body: async (scene) => {
      const [first, second, third] = await scene.staged(3);
      const meanwhile: OutboxMessage[] = [];
      const count = await scene.store.outbox.sweep(10, 0, async () => {
        meanwhile.push(...(await scene.staged(1)));
        return [first!.id, third!.id];
      });
      assert.equal(count, 2);
      assert.deepEqual(ids(await scene.waiting()), ids([second!, ...meanwhile]));
    },
  },
  {
    title: 'nothing is deleted when publishing fails, and it is handed over again',
    body: async (scene) => {
      const staged = await scene.staged(3);
      const error = new Error('the broker is away');
      const sweep = scene.store.outbox.sweep(10, 0, async () => {
        throw error;
      });
      await assert.rejects(sweep, (thrown) => thrown === error);
      assert.deepEqual(ids(await scene.waiting()), ids(staged));
    },
  },
  {
    title: 'sweepers at the same time are handed different messages',
    body: async (scene) => {
      const staged = await scene.staged(4);
      const [inHand, go] = [signal(), signal()];
      const first = scene.store.outbox.sweep(2, 0, async (messages) => {
        inHand.give();
        await go.given;
        return all(messages);
      });
      await inHand.given;
      const handed: OutboxMessage[] = [];
      const second = await scene.other.outbox.sweep(10, 0, async (messages) => {
        handed.push(...messages);
        return all(messages);
      });
      assert.equal(second, 2);
      assert.deepEqual(ids(handed), ids(staged.slice(2)));
      go.give();
      assert.equal(await first, 2);
      assert.deepEqual(await scene.store.outbox.backlog(), { size: 0 });
    },
  },
  {
    title: 'a transaction does not wait for a sweeper that has what it deletes in hand',
    body: async (scene) => {
      const staged = await scene.staged(3);
      const [inHand, go] = [signal(), signal()];
      const sweep = scene.other.outbox.sweep(10, 0, async (messages) => {
        inHand.give();
        await go.given;
        return all(messages);
      });
      await inHand.given;
      const row = scene.row();
      const saving = scene.save({ rows: [row], published: ids(staged) });
      const first = await Promise.race([saving.then(() => 'saved'), scene.quiet().then(() => 'waits')]);
      go.give();
      await Promise.all([sweep, saving]);
      assert.equal(first, 'saved');
      assert.equal((await scene.find(row))?.version, 1);
      assert.deepEqual(await scene.store.outbox.backlog(), { size: 0 });
    },
  },
  {
    title: 'a message that is committed late is not lost, though younger ones were swept before it',
    body: async (scene) => {
      const [late, early] = scene.messages(2);
      assert.ok(late!.id < early!.id, 'the late message was made first');
      const [saved, commit] = [signal(), signal()];
      const open = scene.store.transaction([], async (transaction) => {
        await transaction.save({ rows: [], staged: [late!], published: [] });
        saved.give();
        await commit.given;
      });
      await saved.given;
      await scene.save({ staged: [early!] }, scene.other);
      assert.equal(await scene.other.outbox.sweep(10, 0, all), 1);
      commit.give();
      await open;
      assert.deepEqual(ids(await scene.waiting()), [late!.id]);
    },
  },
  {
    title: 'delete removes exactly the messages that it names',
    body: async (scene) => {
      const [first, second, third] = await scene.staged(3);
      await scene.store.outbox.delete([first!.id, third!.id, scene.message().id]);
      await scene.store.outbox.delete([]);
      assert.deepEqual(ids(await scene.waiting()), [second!.id]);
    },
  },
  {
    title: 'deleting what another deletes at the same time is harmless',
    body: async (scene) => {
      const staged = await scene.staged(20);
      const transaction = scene.save({ published: ids(staged) });
      await Promise.all([transaction, scene.other.outbox.delete(ids(staged)), scene.store.outbox.sweep(20, 0, all)]);
      assert.deepEqual(await scene.store.outbox.backlog(), { size: 0 });
    },
  },
  {
    title: 'the backlog tells how many wait, and since when the oldest does',
    body: async (scene) => {
      assert.deepEqual(await scene.store.outbox.backlog(), { size: 0 });
      const before = scene.harness.now().getTime();
      const [first] = await scene.staged(2);
      const after = scene.harness.now().getTime();
      await scene.harness.elapse(100);
      await scene.staged(1);
      const { size, oldest } = await scene.store.outbox.backlog();
      assert.equal(size, 3);
      assert.ok(oldest!.getTime() >= before - 1 && oldest!.getTime() <= after + 1, `${oldest?.toISOString()}`);
      await scene.store.outbox.delete([first!.id]);
      assert.equal((await scene.store.outbox.backlog()).size, 2);
    },
  },
];
