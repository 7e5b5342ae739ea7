import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CockatielCircuit } from '../../libs/saga/src/adapters/cockatiel/cockatiel-circuit.js';
import { OutcomeUnknown, StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { Random } from '../support/random.js';
import { Booking, CardCharged, CardRefunded, RoomReserved } from './stage/booking.js';
import { confirmRefused, reserved } from './stage/charging.js';
import { sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const minute = 60_000;
const halfOpenAfter = 10_000;

let ground: Ground;
let calls: number;
let trouble: (() => Error) | undefined;
let told: string[];
beforeEach(() => {
  ground = new Ground();
  calls = 0;
  trouble = () => new Error('the bank is away');
  told = [];
  vi.spyOn(Date, 'now').mockImplementation(() => ground.clock.now().getTime());
});
afterEach(() => vi.restoreAllMocks());

function circuit(): CockatielCircuit {
  return new CockatielCircuit(
    'The step',
    { failures: 10, halfOpenAfter },
    {
      clock: ground.clock,
      meaningOf: (error) =>
        error instanceof StepRejected ? 'answer' : error instanceof OutcomeUnknown ? 'nothing' : 'failure',
      opened: () => void told.push('opened'),
      closed: () => void told.push('closed'),
    },
  );
}

function called(): void {
  calls += 1;
  const error = trouble?.();
  if (error) throw error;
}

/** Charges behind a circuit, as the module binds it. */
function charging() {
  const [forward, back] = [circuit(), circuit()];
  const charge = (room: RoomReserved) =>
    forward.run(async () => {
      called();
      return new CardCharged({ bookingId: room.bookingId });
    });
  const refund = (done: CardCharged) =>
    back.run(async () => {
      called();
      return new CardRefunded({ bookingId: done.bookingId, why: '' });
    });
  return bind(Booking, 'charge', charge, { undo: refund, circuit: forward, undoCircuit: back });
}

const rows = (service: Service, ids: readonly string[]) => Promise.all(ids.map((id) => service.row(id, 'charge')));

describe('an outage of what a step depends on', () => {
  it('opens its circuit after 10 failures in a row: an hour later no saga is rejected, and each is done when it is over', async () => {
    const service = await Service.started(ground, [charging()]);
    const ids = sagaIds(20);
    await ground.transport.deliver(ids.map((id) => reserved(id)));
    await ground.clock.advance(60 * minute);
    const parked = await rows(service, ids);
    expect(parked.map((row) => row?.status)).toEqual(ids.map(() => 'running'));
    expect(Math.max(...parked.map((row) => row!.attempts))).toBeLessThan(4);
    expect(calls).toBeLessThan(10 + (60 * minute) / halfOpenAfter + 2);
    expect(told).toEqual(['opened']);
    trouble = undefined;
    await ground.clock.advance(minute);
    expect((await rows(service, ids)).map((row) => row?.status)).toEqual(ids.map(() => 'done'));
    expect(told).toEqual(['opened', 'closed']);
  });

  it('lets one attempt through at a time, and none in between', async () => {
    await Service.started(ground, [charging()]);
    await ground.transport.deliver(sagaIds(20).map((id) => reserved(id)));
    const opened = calls;
    await ground.clock.advance(halfOpenAfter - 1_000);
    expect(calls).toBe(opened);
    await ground.clock.advance(2 * halfOpenAfter);
    expect(calls - opened).toBeLessThanOrEqual(2);
    expect(calls).toBeGreaterThan(opened);
  });

  it('charges nobody who is let through alone, either', async () => {
    const random = new Random(7).next; // who was held back does not return together
    const service = await Service.started(ground, [charging()], { random });
    const ids = sagaIds(20);
    await ground.transport.deliver(ids.map((id) => reserved(id)));
    await ground.clock.advance(60 * minute);
    const parked = await rows(service, ids);
    expect(parked.map((row) => row?.status)).toEqual(ids.map(() => 'running'));
    expect(parked.reduce((sum, row) => sum + row!.attempts, 0)).toBeLessThanOrEqual(10);
  });

  it('makes no dead letters of compensations', async () => {
    const service = await Service.started(ground, [charging()]);
    const ids = sagaIds(20);
    trouble = undefined;
    await ground.transport.deliver(ids.map((id) => reserved(id)));
    trouble = () => new Error('the bank is away');
    await ground.transport.deliver(ids.map((id) => confirmRefused(id)));
    await ground.clock.advance(60 * minute);
    expect(new Set((await rows(service, ids)).map((row) => row?.status))).toEqual(new Set(['compensating']));
    trouble = undefined;
    await ground.clock.advance(minute);
    expect(new Set((await rows(service, ids)).map((row) => row?.status))).toEqual(new Set(['compensated']));
  });

  it('that goes on in the next life of a process is found out anew there, at the price of ten attempts, and rejects nobody', async () => {
    const ids = sagaIds(20);
    let service = await Service.started(ground, [charging()]);
    await ground.transport.deliver(ids.map((id) => reserved(id)));
    service.kill();
    service = await Service.started(ground, [charging()]);
    await ground.clock.advance(60 * minute);
    const parked = await rows(service, ids);
    expect(parked.map((row) => row?.status)).toEqual(ids.map(() => 'running'));
    expect(calls).toBeLessThan(2 * 10 + (60 * minute) / halfOpenAfter + 2);
    trouble = undefined;
    await ground.clock.advance(minute);
    expect((await rows(service, ids)).map((row) => row?.status)).toEqual(ids.map(() => 'done'));
  });

  it('is told to who starts a saga: it fails fast, and nothing is left of it', async () => {
    const guard = circuit();
    const reserving = bind(Booking, 'reserve', () => guard.run(async () => called()), { circuit: guard });
    const service = await Service.started(ground, [reserving]);
    const start = () => service.saga.startSaga(Booking, { bookingId: 'b-1' });
    for (let attempt = 1; attempt <= 10; attempt += 1) await expect(start()).rejects.toThrow('the bank is away');
    await expect(start()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', facts: { step: 'reserve', retriable: true } });
    expect(calls).toBe(10);
    trouble = undefined;
    await ground.clock.advance(halfOpenAfter);
    await expect(start()).rejects.toMatchObject({ code: 'WRONG_ANSWER' });
    expect(calls).toBe(11);
  });
});

describe('a circuit', () => {
  it.each([
    ['a business no', () => new StepRejected('no')],
    ['an unknown outcome', () => new OutcomeUnknown('no answer')],
  ])('is not opened by %s', async (_, error) => {
    trouble = error;
    await Service.started(ground, [charging()]);
    await ground.transport.deliver(sagaIds(20).map((id) => reserved(id)));
    expect(calls).toBeGreaterThanOrEqual(20);
    expect(told).toEqual([]);
  });

  it('that is open is not closed by an unknown outcome, but by a business no', async () => {
    const guard = circuit();
    const attempt = () => guard.run(async () => called()).catch(() => undefined);
    for (let failure = 1; failure <= 10; failure += 1) await attempt();
    await ground.clock.advance(halfOpenAfter);
    trouble = () => new OutcomeUnknown('no answer');
    await attempt();
    expect(guard.holdsBackFor()).toBe(halfOpenAfter);
    await ground.clock.advance(halfOpenAfter);
    expect(guard.holdsBackFor()).toBeUndefined();
    trouble = () => new StepRejected('no');
    await attempt();
    expect(guard.openSince()).toBeUndefined();
    expect(told).toEqual(['opened', 'closed']);
  });
});
