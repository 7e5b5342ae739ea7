import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { defineSaga, fingerprintOf } from '../../libs/saga/src/definition/index.js';
import { Operator } from '../../libs/saga/src/flow/operate/operate.js';
import type { DeadLetter } from '../../libs/saga/src/ports/dead-letters.js';
import type { Envelope } from '../../libs/saga/src/protocol/envelope.js';
import { Booking, BookingConfirmed, RoomReserved } from './stage/booking.js';
import { chargingV2, OtherBooking, StayApproved, stays } from './stage/booking-versions.js';
import { charging } from './stage/charging.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const [ours, theirs] = [fingerprintOf(Booking), fingerprintOf(OtherBooking)];
const reserved = (more: Partial<Envelope>) => eventRecord(Booking, 'reserve', 'done', undefined, more);
const checked = (more: Partial<Envelope>) =>
  eventRecord(OtherBooking, 'check', 'done', { bookingId: 'b-2', trusted: true }, { graph: theirs, ...more });
const confirmed = (more: Partial<Envelope>) =>
  eventRecord(
    OtherBooking,
    'confirm',
    'rejected',
    { failedStep: 'confirm', reason: 'full' },
    { graph: theirs, ...more },
  );
const letters = (state: 'open' | 'settled'): Promise<readonly DeadLetter[]> =>
  ground.store.deadLetters.list({ state, kind: 'version', limit: 1_000 });
const otherCharging = (trouble?: () => unknown) => chargingV2(trouble, OtherBooking);
const failing = (): never => {
  throw new Error('the bank is away');
};
const said = { actor: 'ada', reason: 'the bank is back' };

describe('a saga', () => {
  it('names the graph that it began with in every event and in every row', async () => {
    const service = await Service.started(ground, [
      bind(Booking, 'reserve', () => new RoomReserved({ bookingId: 'b-1', nights: 1 })),
      charging(),
    ]);
    const { sagaId } = await service.saga.startSaga(Booking, {});
    await ground.clock.advance(1);
    await ground.transport.deliver([reserved({ sagaId, graph: ours })]);
    await ground.clock.advance(1);
    expect(ground.transport.events.map(({ step, graph }) => [step, graph])).toEqual([
      ['reserve', ours],
      ['charge', ours],
    ]);
    expect((await ground.store.find(sagaId)).map(({ headers }) => headers.graph)).toEqual([ours, ours]);
  });

  it.each([undefined, '2:of a later algorithm', '1:odd', ours])('whose graph is %s goes on', async (graph) => {
    await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved({ sagaId, ...(graph !== undefined && { graph }) })]);
    await ground.clock.advance(1);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(ground.transport.events.at(-1)?.graph).toBe(graph);
  });

  it('of another graph goes on where that is accepted', async () => {
    const service = await Service.started(ground, [charging()], { acceptsGraphs: [theirs] });
    await ground.transport.deliver([reserved({ graph: theirs })]);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(service.tally.snapshot()).toMatchObject({ parked: 0, handled: 1 });
  });
});

describe('an event of another graph of the same version', () => {
  it('is parked, looked at ten times and not lost, and taken by the process that has its graph', async () => {
    const wrong = await Service.started(ground, [charging()]);
    const sagaId = randomUUID();
    const record = checked({ sagaId });
    await ground.transport.deliver([record]);
    expect(await letters('open')).toMatchObject([
      {
        sagaId,
        sagaType: 'booking',
        sagaVersion: 1,
        graph: theirs,
        reason: `graph ${theirs} of saga "booking" version 1 is unknown here, this service has ${ours}`,
      },
    ]);
    await ground.clock.advance(60_000);
    await ground.transport.deliver([record]);
    expect([await letters('settled'), (await letters('open')).length]).toEqual([[], 1]);
    expect(ground.store.effects).toEqual([]);
    wrong.kill();
    await Service.started(ground, [otherCharging()]);
    await ground.clock.advance(1_000);
    expect(ground.store.effects).toEqual(['charge b-2 of a trusted guest']);
    expect(ground.transport.events.at(-1)).toMatchObject({ step: 'charge', outcome: 'done', graph: theirs });
    expect((await letters('settled')).map(({ settled }) => settled?.as)).toEqual(['overtaken']);
  });

  it('is parked also where it would mean nothing by the graph that is known, and by whom it would start nothing', async () => {
    const service = await Service.started(ground, [charging()]);
    await ground.transport.deliver([eventRecord(OtherBooking, 'reserve', 'compensated', { failedStep: 'check', reason: 'x' }, { graph: theirs })]); // prettier-ignore
    expect(service.tally.snapshot()).toMatchObject({ parked: 1, ignored: 0 });
  });

  it('is none to a service that has no part in the saga', async () => {
    const service = await Service.started(ground, [bind(stays[0]!, 'approve', () => undefined)], { knows: [Booking] });
    await ground.transport.subscriptions[0]!.handle([checked({})]);
    expect(service.tally.snapshot()).toMatchObject({ parked: 0, ignored: 1 });
  });

  it('is not received by a redrive either, until somebody has its graph', async () => {
    const wrong = await Service.started(ground, [charging()]);
    await ground.transport.deliver([checked({})]);
    const [letter] = await letters('open');
    const answer = await new Operator(wrong.saga).redrive({ letterId: letter!.id, ...said });
    expect(answer).toMatchObject({ verdict: 'refused', because: expect.stringContaining(`graph ${theirs}`) as string });
    expect(await letters('open')).toHaveLength(1);
  });

  it('is parked when it lost its graph on the way, and a row of its saga still knows', async () => {
    const right = await Service.started(ground, [otherCharging()]);
    const sagaId = randomUUID();
    await ground.transport.deliver([checked({ sagaId })]);
    right.kill();
    const wrong = await Service.started(ground, [charging()]);
    const record = confirmed({ sagaId });
    const { ce_sagagraph: _lost, ...headers } = record.headers;
    await ground.transport.deliver([{ ...record, headers }]);
    expect(wrong.tally.snapshot()).toMatchObject({ parked: 1, handled: 0, retried: 0 });
    expect(await wrong.row(sagaId, 'charge')).toMatchObject({ status: 'done', attempts: 0 });
    await ground.clock.advance(30_000);
    expect(await letters('open')).toMatchObject([{ graph: theirs }]);
    wrong.kill();
    const next = await Service.started(ground, [otherCharging()]);
    await ground.clock.advance(1_000);
    expect(await next.row(sagaId, 'charge')).toMatchObject({ status: 'compensated' });
  });
});

describe('a row of another graph', () => {
  it('is not attempted: it is left to those that have its graph, which is said once', async () => {
    const right = await Service.started(ground, [otherCharging(failing)]);
    const sagaIds = [randomUUID(), randomUUID()];
    await ground.transport.deliver(sagaIds.map((sagaId) => checked({ sagaId })));
    right.kill();
    const wrong = await Service.started(ground, [charging()], { random: () => 0.5 });
    await ground.clock.advance(20_000);
    expect(wrong.logs.filter((line) => line.includes(`because graph ${theirs} of saga "booking"`))).toHaveLength(1);
    expect((await wrong.row(sagaIds[0]!, 'charge'))?.attempts).toBe(1);
    expect(ground.store.effects).toEqual([]);
    await Service.started(ground, [otherCharging()]);
    await ground.clock.advance(20_000);
    expect(ground.store.effects).toHaveLength(2);
  });

  it('is not redriven and not aborted here', async () => {
    const right = await Service.started(ground, [otherCharging(failing)]);
    const sagaId = randomUUID();
    await ground.transport.deliver([checked({ sagaId })]);
    right.kill();
    const wrong = await Service.started(ground, [charging()]);
    const published = ground.transport.published.length;
    await expect(new Operator(wrong.saga).redrive({ sagaId, step: 'charge', ...said })).rejects.toMatchObject({ code: 'OTHER_GRAPH' }); // prettier-ignore
    await expect(wrong.saga.publishAbort({ saga: Booking, sagaId, reason: 'changed my mind' })).rejects.toMatchObject({ code: 'OTHER_GRAPH' }); // prettier-ignore
    await ground.clock.advance(1);
    expect(ground.transport.published).toHaveLength(published);
  });

  it('takes no signal here, and none of its timers ends here', async () => {
    const Stay = stays[0]!;
    const OtherStay = defineSaga('stay', {
      reserve: { emits: RoomReserved },
      approve: { after: 'reserve', awaits: 'signal', deadline: 60_000, emits: StayApproved },
      confirm: { after: 'approve', kind: 'pivot', emits: BookingConfirmed },
    });
    const right = await Service.started(ground, [
      bind(OtherStay, 'approve', () => undefined, { undo: () => undefined }),
    ]);
    const sagaId = randomUUID();
    await ground.transport.deliver([eventRecord(OtherStay, 'reserve', 'done', undefined, { sagaId, graph: fingerprintOf(OtherStay) })]); // prettier-ignore
    right.kill();
    const wrong = await Service.started(ground, [bind(Stay, 'approve', () => undefined)], { random: () => 0.5 });
    const approved = new StayApproved({ bookingId: 'b-1' });
    await expect(wrong.saga.signal(sagaId, Stay.steps.approve, approved)).rejects.toMatchObject({
      code: 'OTHER_GRAPH',
    });
    await ground.clock.advance(75_000);
    expect(wrong.logs.filter((line) => line.includes('cannot move step "approve"'))).toHaveLength(1);
    expect(await wrong.row(sagaId, 'approve')).toMatchObject({ status: 'running' });
    await Service.started(ground, [bind(OtherStay, 'approve', () => undefined, { undo: () => undefined })]);
    await ground.clock.advance(7_000);
    expect(await wrong.row(sagaId, 'approve')).toMatchObject({ status: 'rejected' });
  });

  it('is found by a start with its key', async () => {
    const reserving = (saga: typeof Booking | typeof OtherBooking) =>
      bind(saga, 'reserve', () => new RoomReserved({ bookingId: 'b-1', nights: 1 }));
    const right = await Service.started(ground, [reserving(OtherBooking)]);
    const first = await right.saga.startSaga(OtherBooking, {}, { key: 'request-7' });
    right.kill();
    const wrong = await Service.started(ground, [reserving(Booking)]);
    expect(await wrong.saga.startSaga(Booking, {}, { key: 'request-7' })).toEqual({ ...first, existing: true });
  });
});
