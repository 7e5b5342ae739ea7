import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import type { Settled } from '../../libs/saga/src/flow/delivery.js';
import { Externals } from '../../libs/saga/src/flow/failure/externals.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Bank } from './stage/bank.js';
import { Delivered, Payment } from './stage/booking.js';
import { eventRecord, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const lease = 30_000;

let ground: Ground;
let bank: Bank;
let delivering: BoundStep;
beforeEach(() => {
  ground = new Ground();
  bank = new Bank();
  delivering = bind(Payment, 'deliver', bank.call);
});

const delivered = new Delivered({ bookingId: 'b-1' });
const paid = (sagaId: string): IncomingRecord => eventRecord(Payment, 'pay', 'done', { bookingId: 'b-1' }, { sagaId });

describe('more than can run outside at once', () => {
  const many = 100;

  it('wait for a place, and each runs once', async () => {
    const service = await Service.started(ground, [delivering]);
    const ids = sagaIds(many);
    await ground.transport.deliver(ids.map(paid));
    expect(bank.calls).toHaveLength(64);
    for (let call = 0; call < many; call += 1) await bank.answer(delivered);
    expect(bank.keys.toSorted()).toEqual(ids.map((sagaId) => `${sagaId}:deliver`));
    for (const sagaId of ids) expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'done' });
  });

  it('are run when all places have become free while it was being written down that they wait', async () => {
    const service = await Service.started(ground, [delivering]);
    const [first = '', ...others] = sagaIds(65);
    await ground.transport.deliver([paid(first)]);
    const row = (await service.row(first, 'deliver'))!;
    const written = new EventEmitter();
    const writing = once(written, 'now').then((): Settled => ({ verdict: 'handled', row, emitted: [] }));
    const submitted: string[] = [];
    const externals = new Externals(service.saga.participant, async ({ happening: { type } }) => {
      submitted.push(type);
      return type === 'notBegun' ? writing : { verdict: 'handled', row, emitted: [] };
    });
    for (const sagaId of [first, ...others]) externals.start(delivering, { ...row, sagaId });
    for (let call = 0; call < 65; call += 1) await bank.answer(delivered);
    expect(submitted).not.toContain('attempt');
    written.emit('now');
    await turn();
    expect(submitted.filter((type) => type === 'attempt')).toHaveLength(1);
  });

  it('are not run by the process where they waited when a replica has run them', async () => {
    const full = await Service.started(ground, [delivering]);
    const ids = sagaIds(many);
    await ground.transport.deliver(ids.map(paid));
    const replica = await Service.started(ground, [delivering]);
    await ground.clock.advance(lease - 100);
    full.state = 'cut'; // when the leases of those that wait end, the replica is first
    await ground.clock.advance(200);
    full.state = 'well';
    expect(bank.calls).toHaveLength(many);
    for (let call = 0; call < many; call += 1) await bank.answer(delivered);
    await ground.clock.advance(2 * lease);
    expect(bank.calls).toHaveLength(many);
    for (const sagaId of ids)
      expect(await replica.row(sagaId, 'deliver')).toMatchObject({
        status: 'done',
        version: expect.any(Number) as number,
      });
  });

  it('are attempted and not asked for, in replicas too, though their leases end while they wait: nothing of theirs has begun', async () => {
    const asked: unknown[] = [];
    const resolve = (input: unknown): Delivered => {
      asked.push(input);
      return delivered;
    };
    const resolving = bind(Payment, 'deliver', bank.call, { resolve });
    await Service.started(ground, [resolving]);
    const most = 2 * many;
    const ids = sagaIds(most);
    await ground.transport.deliver(ids.map(paid));
    await Service.started(ground, [resolving]);
    await ground.clock.advance(3 * lease);
    for (let call = 0; call < most; call += 1) await bank.answer(delivered);
    expect(asked).toEqual([]);
    expect(bank.keys.toSorted()).toEqual(ids.map((sagaId) => `${sagaId}:deliver`));
  });

  it('stay parked when the service stops, which waits for those that run', async () => {
    const service = await Service.started(ground, [delivering]);
    const ids = sagaIds(many);
    await ground.transport.deliver(ids.map(paid));
    let stopped = false;
    const stop = service.saga.drain().then(() => (stopped = true));
    for (let call = 0; call < 64; call += 1) {
      expect(stopped).toBe(false);
      await bank.answer(delivered);
    }
    await stop;
    expect(bank.calls).toHaveLength(64);
    const rows = await Promise.all(ids.map((sagaId) => service.row(sagaId, 'deliver')));
    expect(rows.filter((row) => row?.status === 'running' && row.dueIn !== undefined)).toHaveLength(many - 64);
  });
});
