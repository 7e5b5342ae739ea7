import assert from 'node:assert/strict';
import { TransportClosed } from '../ports/transport.js';
import type { TransportFact } from './transport-contract-delivery.js';

/** Coming back, draining, closing, health. */
export const lifecycleFacts: readonly TransportFact[] = [
  {
    title: 'a group that comes back is given what it missed, and what it had refused',
    body: async (scene) => {
      const publisher = scene.open('publisher');
      const leaving = scene.open('leaving');
      let refusals = 0;
      await scene.consume(leaving, {
        handle: async () => {
          refusals += 1;
          throw new Error('not now');
        },
      });
      await publisher.publish([scene.message('refused')]);
      await scene.until('the record was refused', () => refusals > 0);
      await leaving.close();
      await publisher.publish([scene.message('missed')]);
      const inbox = await scene.consume(scene.open('back'));
      await scene.until('both records are handled', () => inbox.holds(['refused', 'missed']));
    },
  },
  {
    title: 'drain waits for the batches in hand, and no batch comes after it',
    body: async (scene) => {
      const publisher = scene.open('publisher');
      const draining = scene.open('draining');
      const hand: { release?: () => void } = {};
      const inbox = await scene.consume(draining, {
        handle: () => new Promise<void>((resolve) => (hand.release = resolve)),
      });
      await publisher.publish([scene.message('in hand')]);
      await scene.until('the batch is in hand', () => hand.release !== undefined);
      let drained = false;
      const drain = draining.drain().then(() => (drained = true));
      await scene.quiet();
      assert.equal(drained, false, 'drain did not wait for the batch in hand');
      hand.release?.();
      await drain;
      assert.deepEqual(inbox.values, ['in hand']);
      await publisher.publish([scene.message('after')]);
      await scene.quiet();
      assert.deepEqual(inbox.values, ['in hand']);
    },
  },
  {
    title: 'a drained transport still publishes, and subscribes no more',
    body: async (scene) => {
      const inbox = await scene.consume(scene.open('consumer'));
      const drained = scene.open('drained');
      await scene.consume(drained, { group: 'other' });
      await drained.drain();
      await drained.publish([scene.message('last words')]);
      await scene.until('the record arrives', () => inbox.holds(['last words']));
      await assert.rejects(scene.consume(drained), TransportClosed);
    },
  },
  {
    title: 'close drains; a closed transport refuses to publish and is down',
    body: async (scene) => {
      const transport = scene.open();
      const inbox = await scene.consume(transport);
      assert.equal(transport.health().up, true, transport.health().detail);
      await transport.publish([scene.message('first')]);
      await scene.until('the record arrives', () => inbox.holds(['first']));
      await transport.close();
      await transport.close();
      await assert.rejects(transport.publish([scene.message('second')]), TransportClosed);
      assert.equal(transport.health().up, false);
    },
  },
];
