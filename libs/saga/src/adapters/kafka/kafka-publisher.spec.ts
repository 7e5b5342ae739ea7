import { describe, expect, it } from 'vitest';
import { PublishFailed } from '../../ports/transport.js';
import type { WireMessage } from '../../protocol/wire.js';
import type { Parcel } from './kafka-publication.js';
import { KafkaPublisher, type Sender } from './kafka-publisher.js';

const message = (value: string): WireMessage => ({ topic: 'events', key: 'key', headers: {}, value });

/** Holds each send until the test lets it go. */
class HeldSender implements Sender {
  readonly sends: { values: string[]; parcels: readonly Parcel[]; go(): void }[] = [];
  under = 0;
  most = 0;

  async send(parcels: readonly Parcel[]): Promise<void> {
    this.most = Math.max(this.most, ++this.under);
    await new Promise<void>((go) =>
      this.sends.push({ values: parcels.map((parcel) => parcel.message.value), parcels, go }),
    );
    for (const { publication } of parcels) publication.published();
    this.under -= 1;
  }

  health = () => ({ status: 'up' as const, since: new Date(0), detail: '' });
  giveUp = (): void => undefined;
  close = async (): Promise<void> => undefined;

  async letGo(): Promise<void> {
    await Promise.resolve();
    await Promise.resolve();
    this.sends.at(-1)!.go();
    await new Promise((turn) => setImmediate(turn));
  }
}

describe('the publisher', () => {
  it('sends one at a time, and in the next all that came meanwhile', async () => {
    const sender = new HeldSender();
    const publisher = new KafkaPublisher(sender, 1_000_000);
    const published = [publisher.publish([message('a')]), publisher.publish([message('b')])];
    await Promise.resolve();
    published.push(publisher.publish([message('c')]), publisher.publish([message('d'), message('e')]));
    await sender.letGo();
    await sender.letGo();
    await Promise.all(published);
    expect(sender.sends.map(({ values }) => values)).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    expect(sender.most).toBe(1);
  });

  it('makes no send larger than 800 kB or 1,000 messages, and settles a call with its last message', async () => {
    const sender = new HeldSender();
    const publisher = new KafkaPublisher(sender, 1_000_000);
    const large = Array.from({ length: 5 }, () => message('x'.repeat(300_000)));
    const small = Array.from({ length: 1_500 }, () => message('s'));
    let settled = false;
    const published = publisher
      .publish([...large, message('y'.repeat(900_000)), ...small])
      .then(() => (settled = true));
    for (let send = 0; send < 6; send += 1) {
      expect(settled).toBe(false);
      await sender.letGo();
    }
    await published;
    expect(sender.sends.map(({ values }) => values.length)).toEqual([2, 2, 1, 1, 1_000, 500]);
  });

  it('rejects a call with exactly the messages that were not published', async () => {
    const sender = new HeldSender();
    const publisher = new KafkaPublisher(sender, 1_000);
    const giant = message('x'.repeat(1_001));
    const published = publisher.publish([message('small'), giant]);
    const failure = published.catch((error: unknown) => error);
    await sender.letGo();
    expect(sender.sends.map(({ values }) => values)).toEqual([['small']]);
    const error = await failure;
    expect(error).toBeInstanceOf(PublishFailed);
    expect((error as PublishFailed).unpublished).toEqual([
      { message: giant, reason: expect.stringContaining('maxMessageBytes'), retriable: false },
    ]);
  });
});
