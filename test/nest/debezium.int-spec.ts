import { Test } from '@nestjs/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { freshDatabase } from '../support/database.js';
import { LogLines } from './log-lines.js';
import { eventually } from './scene.js';

test("records of Debezium's outbox router start a saga each, by the id in their header, and a record that is sent again starts none", async () => {
  vi.stubEnv('DATABASE_URL', await freshDatabase());
  const { Paying, PaymentModule, transport } = await import('./debezium.js');
  const app = await Test.createTestingModule({ imports: [PaymentModule] })
    .setLogger(new LogLines())
    .compile();
  onTestFinished(() => app.close());
  await app.init();
  const debezium = transport({ service: 'debezium', logger: new LogLines() });
  const send = (id: string, orderId: string): Promise<void> =>
    debezium.publish([
      {
        topic: 'payment.asked',
        key: 'customer-1',
        headers: { id, eventType: 'PaymentAsked' },
        value: JSON.stringify(JSON.stringify({ orderId })),
      },
    ]);
  for (const id of ['1', '2', '1', '3']) await send(id, `order ${id}`);
  await eventually(() => expect(app.get(Paying).paid).toContain('order 3'));
  expect(app.get(Paying).paid).toEqual(['order 1', 'order 2', 'order 3']);
});
