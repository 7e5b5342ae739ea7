import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../libs/saga/src/ports/dead-letters.js';
import { Booking, type CardCharged } from './stage/booking.js';
import { BookingV2, chargingV2 } from './stage/booking-versions.js';
import { charging, reserved } from './stage/charging.js';
import { eventRecord, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const checked = (sagaId: string, bookingId = 'b-2') =>
  eventRecord(BookingV2, 'check', 'done', { bookingId, trusted: true }, { sagaId });
const letters = (state: 'open' | 'settled'): Promise<readonly DeadLetter[]> =>
  ground.store.deadLetters.list({ state, kind: 'version', limit: 1_000 });

describe('an event of a version that no process knows yet', () => {
  it('is parked with the whole record, once however often it comes, and stops nothing', async () => {
    const service = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    const record = checked(sagaId);
    await ground.transport.deliver([record, reserved(randomUUID())]);
    await ground.transport.deliver([record]);
    expect(await letters('open')).toMatchObject([
      {
        kind: 'version',
        sagaId,
        sagaType: 'booking',
        sagaVersion: 2,
        step: 'check',
        reason: 'version 2 of saga "booking" is unknown here, this service has 1',
        audience: 'steps',
        record: { headers: record.headers, key: record.key, value: record.value, origin: record.origin },
      },
    ]);
    expect(service.tally.snapshot()).toMatchObject({ parked: 2, handled: 1, deadLettered: 0 });
    expect(ground.transport.published.filter(({ topic }) => topic === 'saga.dead-letters')).toEqual([]);
    expect(await service.row(sagaId, 'charge')).toBeUndefined();
  });

  it('is not consumed before it is parked', async () => {
    const service = await Service.started(ground, [charging()]);
    const record = checked(randomUUID());
    service.state = 'cut';
    await expect(ground.transport.deliver([record])).rejects.toThrow('the database does not answer');
    service.state = 'well';
    await ground.transport.deliver([record]);
    expect(await letters('open')).toHaveLength(1);
  });

  it('may say what this process cannot read', async () => {
    await Service.started(ground, [charging()]);
    const record = checked(randomUUID());
    const headers = { ...record.headers, ce_sagaoutcome: 'postponed', ce_sagaid: 'a new kind of id' };
    await ground.transport.deliver([{ ...record, headers }]);
    const [letter] = await letters('open');
    expect(letter).toMatchObject({ kind: 'version', record: { headers } });
    expect(letter?.sagaId).toBeUndefined();
  });

  it.each(['0', '-1', '1.5', '2 ', '9999999999', 'two'])('is poison when its version is "%s"', async (version) => {
    const service = await Service.started(ground, [charging()]);
    const record = checked(randomUUID());
    await ground.transport.deliver([{ ...record, headers: { ...record.headers, ce_sagaversion: version } }]);
    expect(await letters('open')).toEqual([]);
    expect(service.tally.snapshot()).toMatchObject({ parked: 0, deadLettered: 1 });
  });

  it('is taken by a process that starts with that version, and handled as if it came now', async () => {
    const old = await Service.started(ground, [charging()]);
    const ids = sagaIds(250);
    await ground.transport.deliver(ids.map((sagaId) => checked(sagaId, sagaId)));
    old.kill();
    const late = await Service.started(ground, [charging(), chargingV2()]);
    await ground.clock.advance(1_000);
    expect(ground.store.effects.toSorted()).toEqual(ids.map((id) => `charge ${id} of a trusted guest`).toSorted());
    expect(await letters('open')).toEqual([]);
    expect((await letters('settled')).map(({ settled }) => settled)).toMatchObject(
      ids.map(() => ({ as: 'overtaken', by: 'hotel' })),
    );
    expect(late.tally.snapshot()).toMatchObject({ handled: ids.length, parked: 0 });
  });

  it('is taken by a replica that runs already, and once when its record also came there', async () => {
    const [old, late] = [new Service(ground, [charging()]), new Service(ground, [charging(), chargingV2()])];
    await old.saga.start();
    const [toOld] = ground.transport.subscriptions.splice(0);
    await late.saga.start();
    const [toLate] = ground.transport.subscriptions;
    const sagaId = randomUUID();
    const record = checked(sagaId);
    await toOld!.handle([record]);
    expect(await letters('open')).toHaveLength(1);
    await toLate!.handle([record]);
    await ground.clock.advance(10_000);
    expect(await letters('open')).toEqual([]);
    expect(ground.store.effects).toEqual(['charge b-2 of a trusted guest']);
    await toOld!.handle([record]); // it comes again to the old one: the settled letter knows it
    expect(await letters('open')).toEqual([]);
  });

  it('that is an undo before its step leaves the tombstone that refuses the step', async () => {
    const old = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    const refused = eventRecord(
      BookingV2,
      'confirm',
      'rejected',
      { failedStep: 'confirm', reason: 'full' },
      { sagaId },
    );
    await ground.transport.deliver([refused]);
    old.kill();
    const late = await Service.started(ground, [chargingV2()]);
    await ground.clock.advance(1_000);
    await ground.transport.deliver([checked(sagaId)]);
    expect(await late.row(sagaId, 'charge')).toMatchObject({ status: 'cancelled' });
    expect(ground.store.effects).toEqual([]);
  });

  it('goes to the dead letters when it turns out to be none of that version', async () => {
    const old = await Service.started(ground, [charging()]);
    const record = checked(randomUUID());
    await ground.transport.deliver([{ ...record, value: '{"bookingId":7}' }]);
    old.kill();
    const late = await Service.started(ground, [chargingV2()]);
    await ground.clock.advance(1_000);
    expect(late.tally.snapshot()).toMatchObject({ deadLettered: 1 });
    expect(await letters('open')).toEqual([]);
  });

  it('stays parked while it cannot be settled, and is taken when it can', async () => {
    const old = await Service.started(ground, [charging()]);
    await ground.transport.deliver([checked(randomUUID())]);
    old.kill();
    const late = new Service(ground, [chargingV2()]);
    late.state = 'cut';
    await late.saga.start();
    await ground.clock.advance(7_000);
    expect(await letters('open')).toHaveLength(1);
    late.state = 'well';
    await ground.clock.advance(7_000);
    expect(await letters('open')).toEqual([]);
    expect(ground.store.effects).toHaveLength(1);
  });

  it('whose taker dies before its letter is settled is taken by the next: a duplicate, and the letter is settled', async () => {
    const old = await Service.started(ground, [charging()]);
    await ground.transport.deliver([checked(randomUUID())]);
    old.kill();
    const taker = new Service(ground, [chargingV2()]);
    ground.store.trouble = (moment) => {
      if (moment === 'committed') taker.kill();
    };
    await taker.saga.start();
    await ground.clock.advance(7_000);
    ground.store.trouble = () => undefined;
    expect([taker.state, ground.store.effects.length, (await letters('open')).length]).toEqual(['dead', 1, 1]);
    const next = await Service.started(ground, [chargingV2()]);
    await ground.clock.advance(7_000);
    expect(next.tally.snapshot()).toMatchObject({ handled: 0, duplicate: 1 });
    expect([ground.store.effects.length, await letters('open')]).toEqual([1, []]);
  });

  it('waits for listeners too, apart from steps', async () => {
    const heard: string[] = [];
    const listener = (saga: typeof Booking | typeof BookingV2) => ({
      ...bind(saga, 'charge', ({ bookingId }: CardCharged) => void heard.push(bookingId), {
        hears: { step: 'charge', outcome: 'done' },
      }),
      node: { ...saga.steps.charge, name: 'Audit.paid', role: 'retriable' as const, predecessors: ['charge'], successors: [] }, // prettier-ignore
    });
    const old = await Service.started(ground, [charging(), listener(Booking)]);
    const record = eventRecord(BookingV2, 'charge', 'done', { bookingId: 'v2' });
    await ground.transport.deliver([record], 'hotel');
    await ground.transport.deliver([record], 'hotel.listeners');
    expect(new Set((await letters('open')).map(({ audience }) => audience))).toEqual(new Set(['listeners', 'steps']));
    old.kill();
    await Service.started(ground, [listener(Booking), listener(BookingV2), chargingV2()]);
    await ground.clock.advance(1_000);
    expect(heard).toEqual(['v2']);
    expect(await letters('open')).toEqual([]);
  });
});
