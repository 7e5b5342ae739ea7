import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Booking, type CardCharged } from './stage/booking.js';
import { StayApproved, stays } from './stage/booking-versions.js';
import { charging } from './stage/charging.js';
import { eventRecord } from './stage/records.js';
import { confirming, mailing, other, replica } from './stage/replicas.js';
import { bind, Ground } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const approving = () => bind(stays[0]!, 'approve', () => new StayApproved({ bookingId: 'b-1' }));
const confirmed = (sagaId: string) => eventRecord(Booking, 'confirm', 'done', { bookingId: 'b-1' }, { sagaId });
const stayReserved = (sagaId: string) => eventRecord(stays[0]!, 'reserve', 'done', undefined, { sagaId });
const open = () => ground.store.deadLetters.list({ state: 'open', kind: 'version', limit: 100 });

describe('a replica that is given what only another replica of its service has a method for', () => {
  it('keeps it for that one: a step more', async () => {
    const old = await replica(ground, [charging()]);
    const late = await replica(ground, [charging(), mailing()]);
    const sagaId = randomUUID();
    await old.receive(confirmed(sagaId));
    expect(old.tally.snapshot()).toMatchObject({ parked: 1, ignored: 0 });
    expect(await open()).toMatchObject([{ sagaId, wanted: ['mail'] }]);
    late.state = 'cut';
    await ground.clock.advance(60_000);
    expect(await open()).toHaveLength(1);
    late.state = 'well';
    await ground.clock.advance(7_000);
    expect(ground.store.effects).toEqual(['mail b-1']);
    expect(await open()).toEqual([]);
  });

  it('keeps it for that one: a saga more', async () => {
    const old = await replica(ground, [charging()]);
    const late = await replica(ground, [charging(), approving()]);
    const sagaId = randomUUID();
    await old.receive(stayReserved(sagaId));
    expect(old.tally.snapshot()).toMatchObject({ parked: 1, ignored: 0 });
    await ground.clock.advance(7_000);
    expect(await late.row(sagaId, 'approve')).toMatchObject({ status: 'done' });
    expect(await open()).toEqual([]);
  });

  it('keeps it for that one: a listener more', async () => {
    const heard: string[] = [];
    const listener = (name: string) => ({
      ...bind(Booking, 'charge', ({ bookingId }: CardCharged) => void heard.push(`${name} ${bookingId}`), {
        hears: { step: 'charge', outcome: 'done' },
      }),
      node: { ...Booking.steps.charge, name, role: 'retriable' as const, predecessors: ['charge'], successors: [] },
    });
    const old = await replica(ground, [listener('audit')]);
    await replica(ground, [listener('audit'), listener('report')]);
    await old.receive(eventRecord(Booking, 'charge', 'done', { bookingId: 'b-1' }));
    await ground.clock.advance(7_000);
    expect(heard).toEqual(['audit b-1', 'report b-1']);
  });

  it('does its own part of it at once, and each part is done once', async () => {
    const old = await replica(ground, [mailing()]);
    const late = await replica(ground, [mailing(), confirming(), charging()]);
    const sagaId = randomUUID();
    const abort = eventRecord(
      Booking,
      'saga',
      'abortRequested',
      { reason: 'x' },
      { sagaId, type: 'saga.abort.requested' },
    );
    await old.receive(abort);
    await ground.clock.advance(7_000);
    expect(await late.row(sagaId, 'confirm')).toMatchObject({ status: 'cancelled' });
    expect(await open()).toEqual([]);
  });

  it('ignores it when nobody of its service announces a part in it, or who did has not been heard for long', async () => {
    const old = await replica(ground, [charging()]);
    await old.receive(stayReserved(randomUUID()));
    await old.receive(confirmed(randomUUID()));
    await other(ground, 'elsewhere', [mailing(), approving()]);
    await old.receive(stayReserved(randomUUID()));
    const late = await replica(ground, [charging(), mailing(), approving()]);
    late.state = 'dead';
    await ground.clock.advance(200_000);
    await old.receive(confirmed(randomUUID()));
    expect(old.tally.snapshot()).toMatchObject({ ignored: 4, parked: 0 });
  });

  it('keeps it too when that one has stopped in order a moment ago: it may be back', async () => {
    const old = await replica(ground, [charging()]);
    const late = await replica(ground, [charging(), mailing()]);
    await late.announcer!.stop(1_000);
    await old.receive(confirmed(randomUUID()));
    expect(old.tally.snapshot()).toMatchObject({ parked: 1 });
  });
});
