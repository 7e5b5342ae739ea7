import { defaultSettings } from '../../../libs/saga/src/flow/participant.js';
import { Relay } from '../../../libs/saga/src/flow/relay.js';
import type { OutboxMessage } from '../../../libs/saga/src/ports/step-store.js';
import { topicsNamed } from '../../../libs/saga/src/protocol/topics.js';
import { Scene } from '../../../libs/saga/src/testing/store-contract-scene.js';
import { Ground } from './service.js';

export const { sweepEvery } = defaultSettings;

/** Committed messages, and relays to publish them. */
export class RelayScene extends Ground {
  readonly logs: string[] = [];

  relay(): Relay {
    const log = (message: string): void => void this.logs.push(message);
    const { store, transport, clock } = this;
    const logger = { log, warn: log, error: log };
    return new Relay({ store, transport, clock, logger, topics: topicsNamed('perSaga'), settings: defaultSettings });
  }

  commit(count: number): Promise<readonly OutboxMessage[]> {
    const { store, clock } = this;
    const stores = [store, store] as const;
    return new Scene({ stores, now: () => clock.now(), elapse: (ms) => clock.advance(ms) }).staged(count);
  }

  async backlog(): Promise<number> {
    return (await this.store.outbox.backlog()).size;
  }
}

export function eventIds(messages: readonly OutboxMessage[]): readonly string[] {
  return messages.map(({ event }) => event.id);
}
