import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Booking, Payment, PaymentAsked, PaymentMade, RoomReserved, type CardCharged } from './stage/booking.js';
import { BookingV2, chargingV2, PaymentTaken, PaymentV2, StayApproved, stays } from './stage/booking-versions.js';
import { charging, reserved } from './stage/charging.js';
import { eventRecord, received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const checked = (sagaId: string, trusted = true) =>
  eventRecord(BookingV2, 'check', 'done', { bookingId: 'b-2', trusted }, { sagaId });
const reserving = [Booking, BookingV2].map((saga) =>
  bind(saga, 'reserve', () => new RoomReserved({ bookingId: `v${saga.version}`, nights: 1 })),
);

describe('two versions of a saga in one service', () => {
  it('each have their methods, and an event goes to those of its version', async () => {
    const service = await Service.started(ground, [charging(), chargingV2()]);
    const [old, late] = [randomUUID(), randomUUID()];
    await ground.transport.deliver([reserved(old), checked(late)]);
    expect(ground.store.effects.toSorted()).toEqual(['charge b-1', 'charge b-2 of a trusted guest']);
    expect((await service.row(old, 'charge'))?.headers.sagaVersion).toBe(1);
    expect((await service.row(late, 'charge'))?.headers.sagaVersion).toBe(2);
    await ground.clock.advance(1);
    expect(ground.transport.events.map(({ sagaId, sagaVersion }) => [sagaId, sagaVersion])).toEqual(
      expect.arrayContaining([
        [old, 1],
        [late, 2],
      ]),
    );
  });

  it('are one to what a step does not wait for in its own version', async () => {
    const service = await Service.started(ground, [charging(), chargingV2()]);
    const record = eventRecord(BookingV2, 'reserve', 'done');
    await ground.transport.deliver([record]);
    expect(ground.store.effects).toEqual([]);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 1 });
  });

  it('are started as they are given', async () => {
    const service = await Service.started(ground, reserving);
    const old = await service.saga.startSaga(Booking, {});
    const late = await service.saga.startSaga(BookingV2, {});
    expect([old.event, late.event]).toMatchObject([{ bookingId: 'v1' }, { bookingId: 'v2' }]);
  });

  it('share their keys: a saga that was started in one version is found by a start in the other', async () => {
    const service = await Service.started(ground, reserving);
    const first = await service.saga.startSaga(Booking, {}, { key: 'request-7' });
    const second = await service.saga.startSaga(BookingV2, {}, { key: 'request-7' });
    expect(second).toEqual({ ...first, existing: true });
    expect((await service.row(first.sagaId, 'reserve'))?.headers.sagaVersion).toBe(1);
  });

  it('are started by one outside event in the newest version', async () => {
    const pay = bind(Payment, 'pay', () => new PaymentMade({ bookingId: 'v1' }));
    const take = bind(PaymentV2, 'pay', () => new PaymentTaken({ bookingId: 'v2' }));
    await Service.started(ground, [pay, take]);
    const data = new PaymentAsked({ bookingId: 'b-1', amount: 3 });
    const topic = 'payment.asked';
    await ground.transport.deliver([received({ topic, key: 'k', headers: {}, value: JSON.stringify(data) })]);
    await ground.clock.advance(1);
    expect(ground.transport.events.map(({ type, sagaVersion }) => [type, sagaVersion])).toEqual([['payment.taken', 2]]);
  });

  it('repeat what failed with the method of the version that the saga began with', async () => {
    let fails = true;
    const trouble = (): unknown => {
      if (fails) throw new Error('the bank is away');
      return undefined;
    };
    await Service.started(ground, [charging({ 'b-1': trouble }), chargingV2(trouble)]);
    await ground.transport.deliver([checked(randomUUID(), false), reserved(randomUUID())]);
    fails = false;
    await ground.clock.advance(5_000);
    expect(ground.store.effects.toSorted()).toEqual(['charge b-1', 'charge b-2 of a new guest']);
  });

  it('are both heard by a listener to an event that both have', async () => {
    const heard: string[] = [];
    const listener = (saga: typeof Booking | typeof BookingV2) => ({
      ...bind(saga, 'charge', ({ bookingId }: CardCharged) => void heard.push(bookingId), {
        hears: { step: 'charge', outcome: 'done' },
      }),
      node: { ...saga.steps.charge, name: 'Audit.paid', role: 'retriable' as const, predecessors: ['charge'], successors: [] }, // prettier-ignore
    });
    await Service.started(ground, [listener(Booking), listener(BookingV2)]);
    const charged = [Booking, BookingV2].map((saga) =>
      eventRecord(saga, 'charge', 'done', { bookingId: `v${saga.version}` }),
    );
    await ground.transport.deliver(charged);
    expect(heard.toSorted()).toEqual(['v1', 'v2']);
  });

  it('are never mixed in one saga: an event of another version than its row says is an anomaly', async () => {
    const service = await Service.started(ground, [charging(), chargingV2()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    const before = await service.row(sagaId, 'charge');
    await ground.transport.deliver([eventRecord(BookingV2, 'confirm', 'rejected', { failedStep: 'confirm', reason: 'full' }, { sagaId })]); // prettier-ignore
    expect(service.tally.snapshot()).toMatchObject({ handled: 1, anomaly: 1 });
    expect(await service.row(sagaId, 'charge')).toEqual(before);
  });
});

describe('a signal', () => {
  it('for a step of another version than its saga began with is refused, and decides nothing', async () => {
    const [first, second] = stays;
    const service = await Service.started(
      ground,
      [first!, second!].map((saga) => bind(saga, 'approve', () => undefined)),
    );
    const sagaId = randomUUID();
    await ground.transport.deliver([eventRecord(second!, 'reserve', 'done', undefined, { sagaId })]);
    const approved = new StayApproved({ bookingId: 'b-1' });
    await expect(service.saga.signal(sagaId, first!.steps.approve, approved)).rejects.toThrow(
      `Saga ${sagaId} is of version 2 of "stay", the signal is for step "approve" of version 1`,
    );
    expect(await service.row(sagaId, 'approve')).toMatchObject({ status: 'running' });
    expect(await service.saga.signal(sagaId, second!.steps.approve, approved)).toMatchObject({ accepted: true });
  });
});

describe('a replica of the version before', () => {
  it('leaves attempts that it has no method for to the replicas that have, and says so once', async () => {
    let fails = true;
    const trouble = (): unknown => {
      if (fails) throw new Error('the bank is away');
      return undefined;
    };
    const late = await Service.started(ground, [charging(), chargingV2(trouble)]);
    for (const sagaId of [randomUUID(), randomUUID()]) await ground.transport.deliver([checked(sagaId)]);
    late.kill();
    const old = await Service.started(ground, [charging()], { random: () => 0.5 });
    await ground.clock.advance(20_000);
    expect(old.logs.filter((line) => line.includes('no method for step "charge" of saga "booking" version 2'))).toHaveLength(1); // prettier-ignore
    expect(ground.store.effects).toEqual([]);
    fails = false;
    await Service.started(ground, [chargingV2(trouble)]);
    await ground.clock.advance(20_000);
    expect(ground.store.effects).toHaveLength(2);
  });
});

describe('a timer of a version that a replica does not know', () => {
  it('is left to the replicas that do, which is said once: it ends within seconds, and not with the lease', async () => {
    const [first, second] = stays.map((saga) => bind(saga, 'approve', () => undefined));
    const late = await Service.started(ground, [first!, second!]);
    const sagaIds = [randomUUID(), randomUUID()];
    await ground.transport.deliver(sagaIds.map((sagaId) => eventRecord(stays[1]!, 'reserve', 'done', undefined, { sagaId }))); // prettier-ignore
    late.kill();
    const old = await Service.started(ground, [first!], { random: () => 0.5 });
    await ground.clock.advance(75_000);
    expect(old.logs).toEqual([expect.stringContaining('does not have step "approve" of saga "stay" version 2')]);
    const next = await Service.started(ground, [first!, second!]);
    await ground.clock.advance(7_000);
    for (const sagaId of sagaIds) expect(await next.row(sagaId, 'approve')).toMatchObject({ status: 'rejected' });
  });
});

describe('a version that a service has no step of', () => {
  it('is ignored once the service is told of it', async () => {
    const service = new Service(ground, [charging()], { knows: [BookingV2] });
    await service.saga.start();
    await ground.transport.deliver([checked(randomUUID())]);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 1, deadLettered: 0 });
  });

  it('cannot be started there', async () => {
    const service = await Service.started(ground, [reserving[0]!]);
    await expect(service.saga.startSaga(BookingV2, {})).rejects.toThrow(
      'Saga "booking" version 2 starts with step "reserve", which service "hotel" does not implement',
    );
  });
});
