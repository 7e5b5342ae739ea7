import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import { decode } from '../../libs/saga/src/protocol/cloud-event.js';
import { Booking, CardCharged, CardRefunded, FlightBooked, Trip } from './stage/booking.js';
import { confirmRefused, reserved } from './stage/charging.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const aWhile = 120_000;

function undoing(undo: () => unknown): BoundStep {
  return bind(Booking, 'charge', () => new CardCharged({ bookingId: 'b-1' }), { undo });
}

const away = (): never => {
  throw new Error('the bank says "later"');
};

describe('a compensation that keeps failing', () => {
  it('is attempted four times, then becomes a dead letter, and the saga halts there', async () => {
    let attempts = 0;
    const service = await Service.started(ground, [undoing(() => ((attempts += 1), away()))]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.transport.deliver([confirmRefused(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(attempts).toBe(4);
    expect(await service.row(sagaId, 'charge')).toMatchObject({
      status: 'deadLettered',
      attempts: 4,
      lastError: 'the bank says "later"',
      result: { type: 'card.charged' },
    });
    expect(await service.row(sagaId, 'charge')).not.toHaveProperty('dueIn');
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:done`, `${sagaId}:charge:deadLettered`]);
  });

  it('tells on saga.compensation.failed, keyed by the saga, all that a person needs', async () => {
    await Service.started(ground, [undoing(away)], { name: 'payments' });
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(5_000);
    const refused = eventRecord(
      Booking,
      'confirm',
      'rejected',
      { bookingId: 'b-1', reason: 'full' },
      { sagaId, correlationId: 'request-9' },
    );
    await ground.transport.deliver([refused]);
    await ground.clock.advance(aWhile);
    const message = ground.transport.published.at(-1)!;
    expect(message).toMatchObject({ topic: 'saga.compensation.failed', key: sagaId });
    expect(JSON.parse(message.value)).toEqual({
      bookingId: 'b-1',
      reason: 'full',
      event_type: 'booking.refused',
      saga_id: sagaId,
      correlation_id: sagaId,
      step: 'charge',
      owner: 'payments',
      attempts: 4,
      first_failed_at: '2026-03-01T00:00:05.000Z',
      last_failed_at: '2026-03-01T00:00:12.000Z',
      compensation_error: 'the bank says "later"',
      requires_manual_intervention: true,
    });
    expect(decode(message)).toMatchObject({
      type: 'saga.compensation.failed',
      outcome: 'deadLettered',
      source: '/payments',
      step: 'charge',
      cause: { step: 'confirm', reason: 'full' },
      causationId: `${sagaId}:confirm:rejected`,
    });
  });

  it('is keyed by the saga also where a business key keys the other events', async () => {
    const flight = bind(Trip, 'flight', () => new FlightBooked({ bookingId: 'trip-9', seat: '1A' }), { undo: away });
    await Service.started(ground, [flight]);
    const sagaId = randomUUID();
    const keyed = { sagaId, partitionKey: 'trip-9' };
    await ground.transport.deliver([eventRecord(Trip, 'plan', 'done', { bookingId: 'trip-9' }, keyed)]);
    await ground.transport.deliver([
      eventRecord(Trip, 'pay', 'cancelled', { failedStep: 'hotel', reason: 'full' }, keyed),
    ]);
    await ground.clock.advance(aWhile);
    expect(ground.transport.published.map(({ topic, key }) => [topic, key])).toEqual([
      ['saga.trip', 'trip-9'],
      ['saga.compensation.failed', sagaId],
    ]);
  });

  it('of a step that was closed while it ran tells the event that asked for its undo all the same', async () => {
    let running = true;
    const charge = (): CardCharged => {
      if (running) throw new Error('not yet');
      return new CardCharged({ bookingId: 'b-1' });
    };
    await Service.started(ground, [bind(Booking, 'charge', charge, { undo: away })]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.transport.deliver([confirmRefused(sagaId, 'overbooked')]);
    running = false;
    await ground.clock.advance(aWhile);
    const { data } = ground.transport.events.at(-1)!;
    expect(data).toMatchObject({ event_type: 'booking.refused', reason: 'overbooked' });
    expect(data).toMatchObject({
      attempts: 4,
      first_failed_at: expect.stringMatching(/^2026-03-01T00:00:01/) as string,
    });
  });

  it('counts its attempts anew after those of its step, and goes through when it succeeds in time', async () => {
    const failures = { step: 2, undo: 3 };
    const trying = (method: 'step' | 'undo'): void => {
      if ((failures[method] -= 1) >= 0) throw new Error(`${method} is away`);
    };
    const charge = (): CardCharged => (trying('step'), new CardCharged({ bookingId: 'b-1' }));
    const refund = (): CardRefunded => (trying('undo'), new CardRefunded({ bookingId: 'b-1', why: '' }));
    const service = await Service.started(ground, [bind(Booking, 'charge', charge, { undo: refund })]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    await ground.transport.deliver([confirmRefused(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'compensated', attempts: 0, inputs: {} });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:done`, `${sagaId}:charge:compensated`]);
  });
});
