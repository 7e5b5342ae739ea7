import type { TestingModule } from '@nestjs/testing';
import { SagaTrackerModule, inMemory, type SagaGraph, type TrackedSaga } from 'nest-saga';
import { encode } from '../../libs/saga/src/protocol/cloud-event.js';
import { messageId, type Envelope } from '../../libs/saga/src/protocol/envelope.js';
import type { Outcome } from '../../libs/saga/src/protocol/outcome.js';
import type { WireMessage } from '../../libs/saga/src/protocol/wire.js';
import { startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Order } from './order-saga.js';

export type Fact = readonly [step: string, outcome: Outcome];

/** Services that do nothing but track orders, and somebody who tells them what happened. */
export class TrackerScene {
  readonly transport = inMemory();

  constructor(readonly url: string) {}

  tracking(service = 'watch', log?: LogLines, sagas: readonly SagaGraph[] = [Order]): Promise<TestingModule> {
    return startedOn(this.url, {
      imports: [SagaTrackerModule],
      saga: { service, transport: this.transport, sagas },
      ...(log && { log }),
    });
  }

  /** Events of a saga on their topic, each caused by the one before it in the story, sent in the order given. */
  async send(sagaId: string, story: readonly Fact[], order: readonly Fact[] = story, sagaVersion = 1): Promise<void> {
    for (const fact of order) {
      const event = { ...eventOf(sagaId, fact, story[story.indexOf(fact) - 1]), sagaVersion };
      await this.publish(encode(event, 'saga.order'));
    }
  }

  publish(message: WireMessage): Promise<void> {
    return this.transport({ service: 'test', logger: new LogLines() }).publish([message]);
  }
}

function eventOf(sagaId: string, [step, outcome]: Fact, cause?: Fact): Envelope {
  return {
    id: messageId(sagaId, step, outcome),
    type: `order.${step}.${outcome}`,
    source: '/test',
    time: new Date().toISOString(),
    sagaId,
    sagaType: 'order',
    sagaVersion: 1,
    step,
    outcome,
    correlationId: sagaId,
    partitionKey: sagaId,
    ...(cause && { causationId: messageId(sagaId, ...cause) }),
    data: { step },
  };
}

export const done: readonly Fact[] = [
  ['place', 'done'],
  ['reserve', 'done'],
  ['charge', 'done'],
  ['ship', 'done'],
];

export const closed: readonly Fact[] = [
  ['place', 'done'],
  ['reserve', 'done'],
  ['charge', 'rejected'],
  ['reserve', 'compensated'],
  ['place', 'compensated'],
];

export function historyOf(saga: TrackedSaga | undefined): readonly string[] {
  return (saga?.history ?? []).map(({ step, outcome }) => `${step} ${outcome}`);
}
