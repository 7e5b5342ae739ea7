import type { Ground } from './service.js';
import { received } from './records.js';

/** Delivers what is published to every group that listens, until nothing new comes. */
export async function settled(ground: Ground, repeat: (count: number) => number = () => 1): Promise<void> {
  const { transport, clock } = ground;
  let delivered = 0;
  for (let quiet = 0; quiet < 3;) {
    const fresh = transport.published.slice(delivered);
    delivered += fresh.length;
    for (const message of fresh) {
      for (const { topics, handle } of transport.subscriptions) {
        for (let round = 0; topics.includes(message.topic) && round < repeat(delivered); round += 1)
          await handle([received(message)]);
      }
    }
    await clock.advance(1);
    quiet = fresh.length === 0 ? quiet + 1 : 0;
  }
}
