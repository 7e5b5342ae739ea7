import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Booking, BookingConfirmed } from './stage/booking.js';
import { ada, bob, Desk } from './stage/desk.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const aWhile = 120_000;

describe('a step that must be done and keeps failing', () => {
  let ground: Ground;
  let service: Service;
  let desk: Desk;
  let mailIsAway: boolean;
  let sagaId: string;
  const mail = (): object => {
    if (mailIsAway) throw new Error('the mail server is away');
    return new Booking.steps.mail.events.done({ bookingId: 'b-1' } as never);
  };

  beforeEach(async () => {
    ground = new Ground();
    mailIsAway = true;
    service = await Service.started(ground, [bind(Booking, 'mail', mail)]);
    desk = new Desk(service);
    sagaId = randomUUID();
    await ground.transport.deliver([
      eventRecord(Booking, 'confirm', 'done', new BookingConfirmed({ bookingId: 'b-1' }), { sagaId }),
    ]);
    await ground.clock.advance(50_000);
  });

  it('is due at once when it is redriven, however long it would have waited', async () => {
    const waits = await service.row(sagaId, 'mail');
    expect(waits).toMatchObject({ status: 'running' });
    expect(waits!.dueIn).toBeGreaterThan(10_000);
    mailIsAway = false;
    expect(await desk.operator.redrive({ sagaId, step: 'mail', ...ada })).toMatchObject({
      verdict: 'applied',
      because: 'its next attempt is due now',
    });
    await ground.clock.advance(1_000);
    expect(await service.row(sagaId, 'mail')).toMatchObject({ status: 'done' });
  });

  it('counts as done when it was done by hand, and is attempted no more', async () => {
    const event = { bookingId: 'b-1' };
    expect(await desk.operator.resolve({ sagaId, step: 'mail', as: 'done', event, ...bob })).toMatchObject({
      verdict: 'applied',
      status: 'done',
    });
    mailIsAway = false;
    await ground.clock.advance(aWhile);
    expect(ground.transport.events.at(-1)).toMatchObject({ id: `${sagaId}:mail:done`, data: event });
    expect(ground.transport.eventIds).toHaveLength(1);
  });

  it('is never rejected: told that it was not done, it is attempted again', async () => {
    expect(await desk.operator.resolve({ sagaId, step: 'mail', as: 'notDone', ...ada })).toMatchObject({
      verdict: 'applied',
      status: 'running',
    });
    mailIsAway = false;
    await ground.clock.advance(1_000);
    expect(await service.row(sagaId, 'mail')).toMatchObject({ status: 'done' });
  });
});
