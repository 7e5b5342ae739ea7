import { Injectable } from '@nestjs/common';
import type { TestingModule } from '@nestjs/testing';
import { getRepositoryToken, InjectRepository } from '@nestjs/typeorm';
import { Compensates, SagaStep, Sagas, inMemory, type StepContext } from 'nest-saga';
import type { Repository } from 'typeorm';
import { beforeEach, expect, test } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { Note, startedOn } from './database-scene.js';
import { Order, OrderCancelled, OrderPlaced } from './order-saga.js';

let url: string;
beforeEach(async () => {
  url = await freshDatabase();
});

@Injectable()
class NotedSteps {
  failing: string | undefined;

  constructor(@InjectRepository(Note) private readonly notes: Repository<Note>) {}

  @SagaStep(Order.steps.place)
  async place(order: { orderId: string; quantity: number }, saga: StepContext): Promise<OrderPlaced> {
    await this.notes.insert({ text: `placed ${order.orderId}` });
    await saga.manager.insert(Note, { text: `by manager ${order.orderId}` });
    if (order.orderId === this.failing) throw new Error('no connection');
    return new OrderPlaced(order);
  }

  @Compensates(Order.steps.place)
  cancel({ orderId }: OrderPlaced): OrderCancelled {
    return new OrderCancelled({ orderId });
  }
}

const notesIn = async (app: TestingModule): Promise<readonly string[]> =>
  (await app.get<Repository<Note>>(getRepositoryToken(Note)).find()).map(({ text }) => text).toSorted();

test('twenty starts at once with one key, divided over two replicas, have one effect', async () => {
  const transport = inMemory();
  const first = await startedOn(url, { providers: [NotedSteps], saga: { transport } });
  const second = await startedOn(url, { providers: [NotedSteps], saga: { transport } });
  const starts = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? first : second).get(Sagas).start(Order, { orderId: 'o1' }, { key: 'request-1' }),
    ),
  );
  expect(new Set(starts.map(({ sagaId }) => sagaId)).size).toBe(1);
  expect(starts.filter(({ existing }) => !existing)).toHaveLength(1);
  expect(starts.every(({ step, event }) => step === 'done' && event !== undefined)).toBe(true);
  expect(await notesIn(first)).toEqual(['by manager o1', 'placed o1']);
});

test('a source step that throws leaves no row, neither of the service nor of the library, and no event', async () => {
  const app = await startedOn(url, { providers: [NotedSteps] });
  app.get(NotedSteps).failing = 'o1';
  await expect(app.get(Sagas).start(Order, { orderId: 'o1' })).rejects.toThrow('no connection');
  expect(await notesIn(app)).toEqual([]);
  const { manager } = app.get<Repository<Note>>(getRepositoryToken(Note));
  const [left] = await manager.query<[object]>(
    'SELECT (SELECT count(*)::integer FROM saga_step) AS rows, (SELECT count(*)::integer FROM saga_outbox) AS events',
  );
  expect(left).toEqual({ rows: 0, events: 0 });
});

test('starts of which one throws, all in one batch, leave the rows of the others', async () => {
  const app = await startedOn(url, { providers: [NotedSteps], saga: { settings: { lanes: 1 } } });
  app.get(NotedSteps).failing = 'o2';
  const starts = await Promise.allSettled(
    ['o1', 'o2', 'o3'].map((orderId) => app.get(Sagas).start(Order, { orderId })),
  );
  expect(starts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await notesIn(app)).toEqual(['by manager o1', 'by manager o3', 'placed o1', 'placed o3']);
});
