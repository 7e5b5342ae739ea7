import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineSaga, DomainEvent, InvalidEventData } from '../../libs/saga/src/definition/index.js';
import { Booking, CardCharged, Payment, PaymentAsked, PaymentMade } from './stage/booking.js';
import { reserved } from './stage/charging.js';
import { received } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

/** Why records went to the dead letters. */
function reasons(): readonly string[] {
  return ground.transport.published
    .filter(({ topic }) => topic === 'saga.dead-letters')
    .map(({ value }) => (JSON.parse(value) as { reason: string }).reason);
}

describe('an outside event', () => {
  const paying = bind(Payment, 'pay', (asked: PaymentAsked) => new PaymentMade({ bookingId: asked.bookingId }));
  const asked = (
    headers: Record<string, string>,
    key = 'k-1',
    value: string = JSON.stringify({ bookingId: 'b-1', amount: 7 }),
  ) => received({ topic: 'payment.asked', key, headers, value });
  const cloudEvent = (id: string) => ({
    ce_type: 'payment.asked',
    ce_id: id,
    ce_source: '/shop',
    ce_correlationid: 'request-7',
  });

  it('starts the saga that its definition names, once, however often it arrives', async () => {
    await Service.started(ground, [paying]);
    for (let round = 0; round < 3; round += 1)
      await ground.transport.deliver([asked(cloudEvent('e-1')), asked(cloudEvent('e-1'))]);
    await ground.clock.advance(1);
    expect(ground.transport.events).toMatchObject([
      { type: 'payment.made', step: 'pay', outcome: 'done', correlationId: 'request-7', causationId: 'e-1' },
    ]);
  });

  it('whose data its schema refuses, or that cannot be told from its redelivery, is poison', async () => {
    await Service.started(ground, [paying]);
    const nowhere = { ...asked({}, 'k-1'), origin: { topic: 'payment.asked' } };
    await ground.transport.deliver([asked(cloudEvent('e-1'), 'k', '{}'), nowhere]);
    const reason = new InvalidEventData('payment.asked', []).message.slice(0, 30);
    expect(reasons()).toEqual([
      expect.stringContaining(reason),
      expect.stringContaining('no CloudEvents id, no identity of the application and no offset'),
    ]);
  });

  it('whose source fails is attempted again, and holds up no other', async () => {
    let away = true;
    const sometimes = bind(Booking, 'charge', () => new CardCharged({ bookingId: 'b' }));
    const failing = {
      ...paying,
      node: { ...paying.node, external: false },
      run: async (input: unknown) => {
        if (away) throw new Error('away');
        return new PaymentMade({ bookingId: (input as PaymentAsked).bookingId });
      },
    };
    const service = await Service.started(ground, [failing, sometimes]);
    const sagaId = randomUUID();
    await ground.transport.deliver([asked(cloudEvent('e-1')), reserved(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
    away = false;
    await ground.clock.advance(2_000);
    expect(ground.transport.events.at(-1)).toMatchObject({ type: 'payment.made', data: { bookingId: 'b-1' } });
  });

  it('starts every saga whose definition names it', async () => {
    class Invoiced extends DomainEvent('invoice.sent', z.object({ bookingId: z.string() })) {}
    class Filed extends DomainEvent('invoice.filed', z.object({ bookingId: z.string() })) {}
    const Invoice = defineSaga('invoice', {
      invoice: { on: PaymentAsked, emits: Invoiced },
      file: { after: 'invoice', emits: Filed },
    });
    const invoicing = bind(Invoice, 'invoice', ({ bookingId }: PaymentAsked) => new Invoiced({ bookingId }));
    await Service.started(ground, [paying, invoicing]);
    for (let round = 0; round < 2; round += 1) await ground.transport.deliver([asked(cloudEvent('e-1'))]);
    await ground.clock.advance(1);
    expect(ground.transport.events.map(({ type }) => type).toSorted()).toEqual(['invoice.sent', 'payment.made']);
    expect(new Set(ground.transport.events.map(({ sagaId }) => sagaId)).size).toBe(2);
  });
});
