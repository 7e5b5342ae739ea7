import { Sagas } from 'nest-saga';
import { DataSource } from 'typeorm';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../libs/saga/src/adapters/system/system-clock.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { FakeTransport } from '../flow/stage/fake-transport.js';
import { received } from '../flow/stage/records.js';
import { freshDatabase } from '../support/database.js';
import { startedOn } from './database-scene.js';
import { AskedPayment } from './order-saga.js';
import { Paying } from './paying-steps.js';

/** A record as Kafka carries it, written now. */
function asked(orderId: string, offset: number): IncomingRecord {
  const record = received({ topic: 'payment.asked', key: 'acme', headers: {}, value: JSON.stringify({ orderId }) });
  const stamp = String(systemClock.now().getTime());
  return { ...record, origin: { topic: 'payment.asked', partition: 0, offset: String(offset), stamp } };
}

/** A replica of this version on tables that one made which told records by their keys. */
async function upgraded(url: string) {
  const transport = new FakeTransport();
  const app = await startedOn(url, { providers: [Paying], saga: { transport: () => transport } });
  return { app, transport, paying: app.get(Paying), dataSource: app.get(DataSource) };
}

describe('a rolling upgrade from a version that told outside records by their keys', () => {
  test('starts one saga for each record of a batch that a replica of that version had handled in part, and one that comes again there starts nothing', async () => {
    const url = await freshDatabase();
    const first = await upgraded(url);
    await first.dataSource.query("UPDATE saga_migration SET at = at - interval '30 days' WHERE id = 1");
    const { app, transport, paying, dataSource } = await upgraded(url);
    const batch = [asked('a', 1), asked('b', 2), asked('c', 3)];
    const handledByOld = () => app.get(Sagas).start(AskedPayment, { orderId: 'a' }, { key: 'acme' });
    await handledByOld();
    for (let round = 0; round < 2; round += 1) await transport.deliver(batch);
    await handledByOld();
    expect(paying.asked.map(({ orderId }) => orderId).toSorted()).toEqual(['a', 'b', 'c']);
    expect(await dataSource.query('SELECT count(*)::integer AS count FROM saga_dead_letter')).toEqual([{ count: 0 }]);

    await dataSource.query("UPDATE saga_step SET updated_at = now() - interval '1 hour'");
    await transport.deliver([asked('later', 4)]);
    expect(paying.asked.at(-1)).toMatchObject({ orderId: 'later' });
  });

  test('is none for tables that this version made: there the sagas of keys are nobody else than who started them', async () => {
    const { app, transport, paying } = await upgraded(await freshDatabase());
    await app.get(Sagas).start(AskedPayment, { orderId: 'started' }, { key: 'acme' });
    await transport.deliver([asked('a', 1)]);
    expect(paying.asked.map(({ orderId }) => orderId)).toEqual(['started', 'a']);
  });
});
