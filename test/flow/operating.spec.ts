import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Booking, CardCharged, CardRefunded, RoomReleased, RoomReserved } from './stage/booking.js';
import { confirmRefused, reserved } from './stage/charging.js';
import { ada, bob, Desk } from './stage/desk.js';
import { settled } from './stage/network.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let service: Service;
let desk: Desk;
let bankIsAway: boolean;
let refunds: number;

const aWhile = 120_000;
/** Which commit it is: one for the charge, and one for each of its undo's attempts. */
const theDeadLetters = 5;
const refund = (): CardRefunded => {
  if (bankIsAway) throw new Error('the bank is away');
  refunds += 1;
  return new CardRefunded({ bookingId: 'b-1', why: 'refused' });
};

beforeEach(async () => {
  ground = new Ground();
  bankIsAway = true;
  refunds = 0;
  const charge = bind(Booking, 'charge', () => new CardCharged({ bookingId: 'b-1' }), { undo: refund });
  service = await Service.started(ground, [charge], { name: 'payments' });
  desk = new Desk(service);
});

/** A saga whose refund has used up its attempts. */
async function deadLettered(): Promise<string> {
  const sagaId = randomUUID();
  await ground.transport.deliver([reserved(sagaId)]);
  await ground.transport.deliver([confirmRefused(sagaId, 'full')]);
  await ground.clock.advance(aWhile);
  expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'deadLettered' });
  return sagaId;
}

describe('a dead letter', () => {
  it('is kept with its row: what failed, why, and all that a person needs', async () => {
    const sagaId = await deadLettered();
    expect(await desk.letters(sagaId)).toMatchObject([
      {
        kind: 'compensation',
        sagaId,
        sagaType: 'booking',
        sagaVersion: 1,
        step: 'charge',
        reason: 'the bank is away',
        details: {
          bookingId: 'b-1',
          event_type: 'booking.refused',
          reason: 'full',
          owner: 'payments',
          attempts: 4,
          compensation_error: 'the bank is away',
          requires_manual_intervention: true,
          undo: { type: 'card.charged', data: { bookingId: 'b-1' } },
        },
      },
    ]);
    expect((await desk.letters(sagaId))[0]).not.toHaveProperty('settled');
    expect(await desk.operator.inspect(sagaId)).toMatchObject({
      saga: 'booking',
      version: 1,
      steps: [{ step: 'charge', status: 'deadLettered' }],
      letters: [{ kind: 'compensation' }],
      audit: [],
    });
  });

  it('is lost with its row when the commit fails, and there once when it comes again', async () => {
    let commits = 0;
    ground.store.trouble = (moment) => {
      if (moment === 'commit' && (commits += 1) === theDeadLetters) throw new Error('cut');
    };
    const sagaId = await deadLettered();
    expect(commits).toBeGreaterThan(theDeadLetters);
    expect(await desk.letters(sagaId)).toHaveLength(1);
  });

  it('that is redriven is attempted again with all its attempts, and the saga goes on', async () => {
    const sagaId = await deadLettered();
    bankIsAway = false;
    expect(await desk.operator.redrive({ sagaId, step: 'charge', ...ada })).toEqual({
      verdict: 'applied',
      because: 'its compensation is attempted again',
      sagaId,
      step: 'charge',
      status: 'compensating',
    });
    await ground.clock.advance(aWhile);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'compensated' });
    expect(refunds).toBe(1);
    expect(ground.transport.events.at(-1)).toMatchObject({
      type: 'card.refunded',
      cause: { step: 'confirm', reason: 'full' },
      causationId: `${sagaId}:confirm:rejected`,
    });
    expect(await desk.letters(sagaId)).toMatchObject([{ settled: { as: 'redriven', by: 'ada' } }]);
    expect(await desk.words(sagaId)).toEqual(['ada redrive applied']);
  });

  it('that fails again after a redrive is another one, with an id and a record of its own', async () => {
    const sagaId = await deadLettered();
    await desk.operator.redrive({ sagaId, step: 'charge', ...ada });
    await ground.clock.advance(aWhile);
    await desk.operator.redrive({ sagaId, step: 'charge', ...ada });
    await ground.clock.advance(aWhile);
    const id = `${sagaId}:charge:deadLettered`;
    expect(ground.transport.eventIds.filter((one) => one.includes('deadLettered'))).toEqual([id, `${id}:2`, `${id}:3`]);
    expect(ground.transport.events.at(-1)?.data).toMatchObject({ attempts: 4 });
    const letters = await desk.letters(sagaId);
    expect(letters.map((letter) => letter.settled?.as)).toEqual(['redriven', 'redriven', undefined]);
    expect(new Set(letters.map(({ id: own }) => own)).size).toBe(3);
  });

  it('that was undone by hand is resolved: its event says so, and the saga goes on', async () => {
    const sagaId = await deadLettered();
    const answer = await desk.operator.resolve({ sagaId, step: 'charge', as: 'compensated', ...bob });
    expect(answer).toMatchObject({ verdict: 'applied', status: 'compensated' });
    await ground.clock.advance(aWhile);
    expect(refunds).toBe(0);
    expect(ground.transport.events.at(-1)).toMatchObject({
      id: `${sagaId}:charge:compensated`,
      type: 'booking.charge.compensated',
      cause: { step: 'confirm', reason: 'full' },
      data: { failedStep: 'confirm', reason: 'resolved by bob: paid by hand' },
    });
    expect(ground.transport.events.at(-1)).not.toHaveProperty('waivedBy');
    expect(await desk.letters(sagaId)).toMatchObject([{ settled: { as: 'resolved', by: 'bob' } }]);
  });

  it('is resolved with an event of the step, when a person gives its data', async () => {
    const sagaId = await deadLettered();
    const event = { bookingId: 'b-1', why: 'cash' };
    await desk.operator.resolve({ sagaId, step: 'charge', as: 'compensated', event, ...bob });
    await ground.clock.advance(aWhile);
    expect(ground.transport.events.at(-1)).toMatchObject({ type: 'card.refunded', data: event });
    const [word] = await ground.store.audit.list({ sagaId, limit: 1 });
    expect(word).toMatchObject({
      verb: 'resolve',
      actor: 'bob',
      reason: 'paid by hand',
      details: {
        from: 'deadLettered',
        to: 'compensated',
        as: 'compensated',
        event: { type: 'card.refunded', data: event },
      },
    });
  });

  it('that is waived lets the saga go on with a debt, and the event names who accepted it', async () => {
    const sagaId = await deadLettered();
    await desk.operator.waive({ sagaId, step: 'charge', ...ada });
    await ground.clock.advance(aWhile);
    expect(ground.transport.events.at(-1)).toMatchObject({
      id: `${sagaId}:charge:compensated`,
      waivedBy: 'ada',
      data: { reason: 'waived by ada: the bank is back' },
    });
    expect(refunds).toBe(0);
    expect(await desk.letters(sagaId)).toMatchObject([{ settled: { as: 'waived', by: 'ada' } }]);
  });

  it('is spoken of by its id too; once settled, by nobody any more', async () => {
    const sagaId = await deadLettered();
    const [first] = await desk.letters(sagaId);
    const word = { letterId: first!.id, ...ada };
    expect(await desk.operator.redrive(word)).toMatchObject({ verdict: 'applied' });
    await ground.clock.advance(aWhile);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'deadLettered' });
    expect(await desk.operator.redrive({ ...word, ...bob })).toMatchObject({
      verdict: 'alreadyApplied',
      because: 'this letter was redriven by ada',
    });
    expect(await desk.operator.waive(word)).toMatchObject({
      verdict: 'refused',
      because: 'this letter was redriven by ada',
    });
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'deadLettered' });
    const entries = await ground.store.audit.list({ letterId: first!.id, limit: 10 });
    expect(entries.map(({ verb, verdict }) => `${verb} ${verdict}`)).toEqual([
      'waive refused',
      'redrive alreadyApplied',
      'redrive applied',
    ]);
  });
});

describe('a saga', () => {
  it('whose dead letter is resolved closes backwards to its source, and no step was undone before', async () => {
    const undone: string[] = [];
    const undo = (step: string, event: object) => () => (undone.push(step), event);
    const all = new Ground();
    const steps = [
      bind(Booking, 'reserve', () => new RoomReserved({ bookingId: 'b-1' }), {
        undo: undo('reserve', new RoomReleased({ bookingId: 'b-1', why: '' })),
      }),
      bind(Booking, 'charge', () => new CardCharged({ bookingId: 'b-1' }), { undo: refund }),
      bind(Booking, 'confirm', () => Promise.reject(new Error('no rooms')), { retry: { retries: 0 } }),
    ];
    const whole = await Service.started(all, steps);
    const { sagaId } = await whole.saga.startSaga(Booking, {});
    await settled(all);
    await all.clock.advance(aWhile);
    await settled(all);
    expect(undone).toEqual([]);
    expect(await whole.row(sagaId, 'reserve')).toMatchObject({ status: 'done' });
    await new Desk(whole).operator.resolve({ sagaId, step: 'charge', as: 'compensated', ...ada });
    await settled(all);
    expect(undone).toEqual(['reserve']);
    expect(await whole.row(sagaId, 'reserve')).toMatchObject({ status: 'compensated' });
  });
});
