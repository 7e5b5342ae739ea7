import { beforeEach, describe, expect, it } from 'vitest';
import type { SagaGraph } from '../../libs/saga/src/definition/index.js';
import type { Outcome } from '../../libs/saga/src/protocol/outcome.js';
import { Booking, FlightBooked, HotelBooked, MailSent, Trip, TripPlanned } from './stage/booking.js';
import { write } from './stage/charging.js';
import { settled } from './stage/network.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';
import { booking, wholeBooking } from './stage/whole-booking.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const aWhile = 300_000;

async function statuses(saga: SagaGraph, sagaId: string): Promise<Record<string, string | undefined>> {
  const rows = await ground.store.find(sagaId);
  return Object.fromEntries(
    Object.keys(saga.steps).map((step) => [step, rows.find((row) => row.step === step)?.status]),
  );
}

describe('G2 one effect and one undo per step, whatever is redelivered', () => {
  it.each([
    ['completes', false, ['reserve', 'charge', 'confirm', 'mail']],
    ['closes backwards', true, ['reserve', 'charge', 'un-charge', 'un-reserve']],
  ])('a saga that %s does everything once though every event arrives four times', async (_, refuses, effects) => {
    const service = await Service.started(ground, wholeBooking(refuses));
    await service.saga.startSaga(Booking, booking);
    await settled(ground, () => 4);
    expect(ground.store.effects).toEqual(effects);
  });

  it('and though all its events arrive again, backwards, when it is over', async () => {
    const service = await Service.started(ground, wholeBooking(true));
    await service.saga.startSaga(Booking, booking);
    await settled(ground);
    const before = [...ground.store.effects];
    const all = ground.transport.published.toReversed();
    for (const message of all) await settledAgain(message);
    expect(ground.store.effects).toEqual(before);
  });

  async function settledAgain(message: Parameters<Ground['transport']['publish']>[0][number]): Promise<void> {
    await ground.transport.publish([message]);
    await settled(ground);
  }
});

describe('G3 no undo while anything after a step is running, done or undecided', () => {
  const planned = async (): Promise<{
    readonly sagaId: string;
    readonly hear: (step: string, outcome: Outcome) => Promise<void>;
  }> => {
    const plan = bind(Trip, 'plan', () => new TripPlanned(booking), {
      undo: (_: object, saga) => void write(saga, 'unplan'),
    });
    const service = await Service.started(ground, [plan]);
    const { sagaId } = await service.saga.startSaga(Trip, booking);
    const closing = { failedStep: 'hotel', reason: 'full' };
    return {
      sagaId,
      hear: (step, outcome) => ground.transport.deliver([eventRecord(Trip, step, outcome, closing, { sagaId })]),
    };
  };

  it('a step with two successors is undone when both are closed, not when one is', async () => {
    const { sagaId, hear } = await planned();
    await hear('hotel', 'rejected');
    await ground.clock.advance(aWhile);
    expect(ground.store.effects).toEqual([]);
    expect(await statuses(Trip, sagaId)).toMatchObject({ plan: 'done' });
    await hear('hotel', 'rejected');
    await hear('pay', 'cancelled');
    expect(ground.store.effects).toEqual([]);
    await hear('flight', 'compensated');
    expect(ground.store.effects).toEqual(['unplan']);
    expect(await statuses(Trip, sagaId)).toMatchObject({ plan: 'compensated' });
  });

  it('a saga closes backwards: each undo after those of all that came after it', async () => {
    const booked = {
      flight: new FlightBooked({ ...booking, seat: '1' }),
      hotel: new HotelBooked({ ...booking, room: '2' }),
    };
    const step = (name: 'flight' | 'hotel') =>
      bind(Trip, name, (_: object, saga) => (write(saga, name), booked[name]), {
        undo: (_: object, saga) => void write(saga, `un-${name}`),
      });
    const plan = bind(Trip, 'plan', (_: object, saga) => (write(saga, 'plan'), new TripPlanned(booking)), {
      undo: (_: object, saga) => void write(saga, 'un-plan'),
    });
    const refuse = bind(Trip, 'pay', () => {
      throw new Error('the bank is closed');
    });
    const service = await Service.started(ground, [plan, step('flight'), step('hotel'), refuse]);
    const { sagaId } = await service.saga.startSaga(Trip, booking);
    await settled(ground);
    await ground.clock.advance(aWhile); // the attempts of the pivot are used up
    await settled(ground);
    expect(ground.store.effects.slice(0, 3)).toEqual(['plan', 'flight', 'hotel']);
    expect(ground.store.effects.slice(3, 5).toSorted()).toEqual(['un-flight', 'un-hotel']);
    expect(ground.store.effects.slice(5)).toEqual(['un-plan']);
    expect(await statuses(Trip, sagaId)).toEqual({
      plan: 'compensated',
      flight: 'compensated',
      hotel: 'compensated',
      pay: 'rejected',
    });
  });
});

describe('G4 once the pivot is done nothing is undone; before it everything can be', () => {
  const done = ['reserve', 'charge', 'confirm', 'mail'];

  it('a request to abort that comes after the pivot changes nothing', async () => {
    const service = await Service.started(ground, wholeBooking());
    const { sagaId } = await service.saga.startSaga(Booking, booking);
    await settled(ground);
    await service.saga.publishAbort({ saga: Booking, sagaId, reason: 'too late' });
    await settled(ground);
    expect(ground.store.effects).toEqual(done);
    expect(Object.values(await statuses(Booking, sagaId))).toEqual(['done', 'done', 'done', 'done']);
  });

  it('a request to abort that reaches the pivot first closes everything', async () => {
    const service = await Service.started(ground, wholeBooking());
    const { sagaId } = await service.saga.startSaga(Booking, booking);
    await service.saga.publishAbort({ saga: Booking, sagaId, reason: 'in time' });
    await settled(ground);
    const states = await statuses(Booking, sagaId);
    expect(['compensated', 'cancelled']).toContain(states['charge']);
    expect(states).toMatchObject({ reserve: 'compensated', confirm: 'cancelled', mail: 'cancelled' });
    expect(ground.store.effects).not.toContain('mail');
  });

  it('a step after the pivot that fails is repeated, and undoes nothing', async () => {
    let fails = true;
    const [reserve, charge, confirm] = wholeBooking();
    const mail = bind(Booking, 'mail', () => {
      if (fails) throw new Error('away');
      return new MailSent(booking);
    });
    const service = await Service.started(ground, [reserve!, charge!, confirm!, mail]);
    const { sagaId } = await service.saga.startSaga(Booking, booking);
    await settled(ground);
    await ground.clock.advance(aWhile);
    expect(await statuses(Booking, sagaId)).toEqual({
      reserve: 'done',
      charge: 'done',
      confirm: 'done',
      mail: 'running',
    });
    fails = false;
    await ground.clock.advance(aWhile);
    expect(await statuses(Booking, sagaId)).toMatchObject({ mail: 'done' });
  });
});
