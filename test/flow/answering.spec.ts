import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import {
  Booking,
  CardCharged,
  CardRefused,
  RoomReserved,
  Trip,
  TripPaid,
  FlightBooked,
  type HotelBooked,
} from './stage/booking.js';
import { charging, reserved, write } from './stage/charging.js';
import { eventRecord, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

describe('a step with several predecessors', () => {
  const paying = bind(Trip, 'pay', ({ flight, hotel }: { flight: FlightBooked; hotel: HotelBooked }, saga) => {
    write(saga, `pay ${flight.seat} ${hotel.room}`);
    return new TripPaid({ bookingId: flight.bookingId });
  });
  const flight = (sagaId: string) => eventRecord(Trip, 'flight', 'done', { bookingId: 't', seat: '7A' }, { sagaId });
  const hotel = (sagaId: string) => eventRecord(Trip, 'hotel', 'done', { bookingId: 't', room: '12' }, { sagaId });

  it.each([
    ['in one order', [flight, hotel]],
    ['in the other', [hotel, flight]],
    ['with duplicates', [flight, flight, hotel, flight, hotel]],
  ])('runs once, with all their events, when the last arrives: %s', async (_, events) => {
    await Service.started(ground, [paying]);
    const sagaId = randomUUID();
    for (const event of events) await ground.transport.deliver([event(sagaId)]);
    expect(ground.store.effects).toEqual(['pay 7A 12']);
  });

  it('runs once when all of them arrive in one batch', async () => {
    await Service.started(ground, [paying]);
    const sagaId = randomUUID();
    await ground.transport.deliver([hotel(sagaId), flight(sagaId)]);
    expect(ground.store.effects).toEqual(['pay 7A 12']);
  });

  it('is cancelled when one of them closes, whether the other is done or not', async () => {
    const service = await Service.started(ground, [paying]);
    const [early, late] = sagaIds(2);
    const refused = (sagaId: string) =>
      eventRecord(Trip, 'hotel', 'rejected', { failedStep: 'hotel', reason: 'full' }, { sagaId });
    await ground.transport.deliver([flight(early!)]);
    await ground.transport.deliver([refused(early!), refused(late!)]);
    await ground.transport.deliver([flight(late!)]);
    expect(ground.store.effects).toEqual([]);
    for (const sagaId of [early!, late!])
      expect(await service.row(sagaId, 'pay')).toMatchObject({ status: 'cancelled' });
  });
});

describe('a step that says no', () => {
  it('by returning its event: rejected, with the reason as the cause', async () => {
    const refusing = charging({ 'b-1': () => new CardRefused({ bookingId: 'b-1', reason: 'over limit' }) });
    const service = await Service.started(ground, [refusing]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(1);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'rejected', inputs: {} });
    expect(ground.transport.events).toMatchObject([
      { type: 'card.refused', outcome: 'rejected', cause: { step: 'charge', reason: 'over limit' } },
    ]);
  });

  it('by throwing StepRejected: what it wrote is gone, the default event is emitted, and nothing is retried', async () => {
    const refusing = charging({
      'b-1': () => {
        throw new StepRejected('over limit');
      },
    });
    const service = await Service.started(ground, [refusing]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(60_000);
    expect(ground.store.effects).toEqual([]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'rejected', attempts: 0 });
    expect(ground.transport.events).toMatchObject([
      {
        type: 'booking.charge.rejected',
        data: { failedStep: 'charge', reason: 'over limit' },
        cause: { step: 'charge', reason: 'over limit' },
      },
    ]);
  });
});

describe('a method that answers with what is no event of its step', () => {
  it.each([
    ['nothing', undefined, 'answered with nothing'],
    ['a plain object', { bookingId: 'b-1' }, 'something that is no event'],
    ['a rejection that is to be thrown', new StepRejected('no'), 'answered with an error, which is to be thrown'],
    ['an event of another step', new RoomReserved({ bookingId: 'b-1' }), 'answered with room.reserved'],
  ])(
    '%s: more attempts cannot help, so it is rejected at once; what it wrote is gone, and the log says what to return',
    async (_, answer, said) => {
      const wrong = bind(Booking, 'charge', (_room: RoomReserved, saga) => {
        write(saga, 'charge');
        return answer;
      });
      const service = await Service.started(ground, [wrong]);
      const sagaId = randomUUID();
      await ground.transport.deliver([reserved(sagaId)]);
      expect(ground.store.effects).toEqual([]);
      expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'rejected' });
      expect(service.logs.join()).toContain(said);
      expect(service.logs.join()).toContain('return a card.charged or a card.refused');
    },
  );
});

describe('what more attempts cannot heal', () => {
  const invalid = (): never => new CardCharged({} as never) as never;

  it('an event that its schema refuses: rejected at once, and the reason names the field', async () => {
    const service = await Service.started(ground, [bind(Booking, 'charge', invalid)]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(1);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'rejected' });
    expect(ground.transport.events[0]!.cause!.reason).toContain('bookingId');
  });

  it('after the pivot: it is attempted for ever all the same, for it must be done', async () => {
    const mail = bind(Booking, 'mail', () => undefined);
    const service = await Service.started(ground, [mail]);
    const sagaId = randomUUID();
    await ground.transport.deliver([eventRecord(Booking, 'confirm', 'done', { bookingId: 'b-1' }, { sagaId })]);
    await ground.clock.advance(60_000);
    const row = await service.row(sagaId, 'mail');
    expect(row!.status).toBe('running');
    expect(row!.attempts).toBeGreaterThan(3);
  });
});

describe('a compensation that answers with what is no event of its undo', () => {
  const charged = new CardCharged({ bookingId: 'b-1' });
  const booked = new FlightBooked({ bookingId: 'b-1', seat: '7A' });
  const full = { bookingId: 'b-1', reason: 'full' };
  const unpaid = { failedStep: 'pay', reason: 'full' };
  const same = { sagaId: randomUUID() };

  it.each([
    {
      wanted: 'a card.refunded',
      bound: bind(Booking, 'charge', () => charged, { undo: () => undefined }),
      before: eventRecord(Booking, 'reserve', 'done', { bookingId: 'b-1' }, same),
      after: eventRecord(Booking, 'confirm', 'rejected', full, same),
    },
    {
      wanted: 'nothing',
      bound: bind(Trip, 'flight', () => booked, { undo: () => booked }),
      before: eventRecord(Trip, 'plan', 'done', { bookingId: 'b-1' }, same),
      after: eventRecord(Trip, 'pay', 'rejected', unpaid, same),
    },
  ])('is a dead letter at once, which says to return $wanted', async ({ wanted, bound, before, after }) => {
    const service = await Service.started(ground, [bound]);
    await ground.transport.deliver([before]);
    await ground.transport.deliver([after]);
    const said = service.logs.join('\n');
    expect(said).toContain(`The compensation of step "${bound.node.name}" of saga "${bound.saga.name}" answered with`);
    expect(said).toMatch(new RegExp(`is a dead letter now; it was attempted 1 times: .*; return ${wanted}\\.`));
  });
});
