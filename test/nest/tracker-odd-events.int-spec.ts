import { SagaTrackerModule, Sagas, inMemory } from 'nest-saga';
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { encode } from '../../libs/saga/src/protocol/cloud-event.js';
import { messageId, type Envelope } from '../../libs/saga/src/protocol/envelope.js';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { LogLines } from './log-lines.js';
import { Order } from './order-saga.js';
import { eventually } from './scene.js';

const transport = inMemory();
const sender = transport({ service: 'foreign', logger: new LogLines() });

function placed(sagaId: string, rest: Partial<Envelope> = {}): Envelope {
  return {
    id: messageId(sagaId, 'place', 'done'),
    type: 'order.placed',
    source: '/shop',
    time: '2026-01-01T00:00:00.000Z',
    sagaId,
    sagaType: 'order',
    sagaVersion: 1,
    step: 'place',
    outcome: 'done',
    correlationId: sagaId,
    partitionKey: sagaId,
    data: { orderId: 'o1' },
    ...rest,
  };
}

const send = (event: Envelope): Promise<void> => sender.publish([encode(event, 'saga.order')]);

let sagas: Sagas;
let log: LogLines;
beforeEach(async () => {
  log = new LogLines();
  const app = await startedOn(await freshDatabase(), {
    imports: [SagaTrackerModule],
    saga: { service: `watch-${randomUUID()}`, transport, sagas: [Order] },
    log,
  });
  sagas = app.get(Sagas);
});

describe('the tracker goes on after', () => {
  test.each([
    ['a time that is in the year 0 in UTC', { time: '0001-01-01T00:00:00+23:59' }],
    ['a time that is in the year 10000 in UTC', { time: '9999-12-31T23:59:59-23:59' }],
    ['a correlation id that no text of Postgres can hold', { correlationId: 'a\0b' }],
    ['an id that is too long for an index', { id: randomUUID().repeat(400) }],
    ['a version that is too large for its column', { sagaVersion: 3_000_000_000 }],
  ])('%s', async (_, odd) => {
    const [first, next] = [randomUUID(), randomUUID()];
    await send(placed(first, odd)).catch(() => undefined); // what no record can carry never arrives
    await send(placed(next));
    await eventually(async () => expect(await sagas.status(next)).toMatchObject({ status: 'running' }));
  });
});

describe('two events of one id', () => {
  test('that say different things are both kept, and are evidence that a step was made twice', async () => {
    const sagaId = randomUUID();
    const [one, other] = [placed(sagaId), placed(sagaId, { source: '/billing', data: { orderId: 'o2' } })];
    for (const event of [one, other, one, other]) await send(event);
    await eventually(async () => {
      const saga = await sagas.status(sagaId);
      expect(saga?.inconsistencies).toEqual([
        `event "${one.id}" came with different contents, from /billing and /shop: its step was made more than once`,
      ]);
      expect(saga?.history.map(({ source }) => source).toSorted()).toEqual(['/billing', '/shop']);
    });
  });

  test('that say the same are one, whenever they were published', async () => {
    const sagaId = randomUUID();
    await send(placed(sagaId));
    await send(placed(sagaId, { time: '2026-01-01T00:00:09.000Z' }));
    await send(placed(sagaId, { id: 'last', step: 'reserve', type: 'stock.reserved', data: { orderId: 'o1' } }));
    await eventually(async () => expect((await sagas.status(sagaId))?.history).toHaveLength(2));
    expect((await sagas.status(sagaId))?.inconsistencies).toEqual([]);
  });
});
