import { Outage } from '../../../libs/saga/src/ports/outage.js';
import { defaultSettings } from '../../../libs/saga/src/flow/participant.js';
import { Relay } from '../../../libs/saga/src/flow/relay.js';
import { Tally } from '../../../libs/saga/src/flow/tally.js';
import type { OutboxMessage } from '../../../libs/saga/src/ports/step-store.js';
import { deadLetterTopic, topicsNamed } from '../../../libs/saga/src/protocol/topics.js';
import { Scene } from '../../../libs/saga/src/testing/store-contract-scene.js';
import { Ground } from './service.js';

export const { sweepEvery } = defaultSettings;

/** Committed messages, and relays to publish them. */
export class RelayScene extends Ground {
  readonly logs: string[] = [];
  readonly tally = new Tally();

  relay(): Relay {
    const log = (message: string): void => void this.logs.push(message);
    const { store, transport, clock } = this;
    const logger = { log, warn: log, error: log };
    const names = { service: 'hotel', topics: topicsNamed('perSaga') };
    const outage = new Outage('the database', logger, () => clock.now());
    return new Relay({
      ...names,
      store,
      transport,
      clock,
      logger,
      outage,
      settings: defaultSettings,
      tally: this.tally,
    });
  }

  commit(count: number): Promise<readonly OutboxMessage[]> {
    const { store, clock } = this;
    const stores = [store, store] as const;
    return new Scene({
      stores,
      now: () => clock.now(),
      elapse: (ms) => clock.advance(ms),
      failNext: () => undefined,
    }).staged(count);
  }

  /** What was put away. */
  letters(): readonly object[] {
    return this.transport.published
      .filter(({ topic }) => topic === deadLetterTopic)
      .map(({ value }) => JSON.parse(value) as object);
  }

  async backlog(): Promise<number> {
    return (await this.store.outbox.backlog()).size;
  }
}

export function eventIds(messages: readonly OutboxMessage[]): readonly string[] {
  return messages.map(({ event }) => event.id);
}
