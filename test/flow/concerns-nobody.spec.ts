import { beforeEach, describe, expect, it } from 'vitest';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Booking } from './stage/booking.js';
import { charging } from './stage/charging.js';
import { eventRecord, received } from './stage/records.js';
import { Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

/** The event of a step whose neighbors this service has not; its value is not what its headers say. */
function torn(headers: Record<string, string> = {}): IncomingRecord {
  const { origin, key, ...sound } = eventRecord(Booking, 'confirm', 'done');
  const message = { topic: 'saga.booking', key, headers: { ...sound.headers, ...headers }, value: '{"bookingId":' };
  return { ...received(message), origin };
}

describe('an event that no step of this service waits for', () => {
  it('is told by its headers and ignored, whatever its value', async () => {
    const service = await Service.started(ground, [charging()]);
    await ground.transport.deliver([torn()]);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 1, deadLettered: 0 });
    expect(ground.transport.published).toEqual([]);
  });

  it('is poison when its headers name no step, and parked when they name another version', async () => {
    const service = await Service.started(ground, [charging()]);
    await ground.transport.deliver([torn({ ce_sagastep: 'fly' }), torn({ ce_sagaversion: '7' })]);
    expect(service.tally.snapshot()).toMatchObject({ ignored: 0, deadLettered: 1, parked: 1 });
  });
});
