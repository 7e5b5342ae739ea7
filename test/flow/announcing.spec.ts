import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { Booking } from './stage/booking.js';
import { chargingV2, OtherBooking } from './stage/booking-versions.js';
import { charging, reserved } from './stage/charging.js';
import { confirming, mailing, other, replica, reserving, warned } from './stage/replicas.js';
import { Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

describe('those who take part tell each other', () => {
  it('how their graphs differ, step by step, and both say so', async () => {
    const ours = await replica(ground, [charging()]);
    const theirs = await other(ground, 'bank', [chargingV2(undefined, OtherBooking)]);
    await ground.clock.advance(1_000);
    const [own] = warned(ours, 'has two graphs');
    expect(own).toContain('step "charge" comes after reserve here and check there');
    expect(own).toContain('step "check" is there only');
    expect(warned(theirs, 'step "check" is here only')).toHaveLength(1);
  });

  it('that a step has no method anywhere, at start and when the first saga begins, once', async () => {
    const hotel = await replica(ground, [reserving(), charging()]);
    await hotel.saga.startSaga(Booking, {});
    const said = 'No service has announced a method for steps "confirm", "mail" of saga "booking" version 1';
    expect(warned(hotel, said)).toHaveLength(1);
    await hotel.saga.startSaga(Booking, {});
    await ground.clock.advance(60_000);
    expect(warned(hotel, 'No service has announced')).toHaveLength(1);
    const bank = await other(ground, 'bank', [confirming()]);
    await ground.clock.advance(20_000);
    expect(warned(bank, 'No service has announced a method for step "mail"')).toHaveLength(1);
  });

  it('that another program has the name of the service, which then does not start', async () => {
    await replica(ground, [charging()]);
    const service = new Service(ground, [mailing()], { announces: true });
    await expect(service.announced()).rejects.toMatchObject({
      code: 'SERVICE_NAME_TAKEN',
      message: expect.stringContaining(
        'runs already as another program (a test) with other steps ("booking/charge")',
      ) as string,
    });
  });

  it.each([
    ['a step more', () => [charging(), mailing()]],
    ['a step less', () => [charging()]],
    ['the next version of all', () => [chargingV2(), mailing()]],
    ['nothing yet', () => []],
  ])('that a deployment of the same service has %s, and it starts', async (_, steps) => {
    await replica(ground, [charging(), reserving()]);
    const service = new Service(ground, steps(), { announces: true });
    await expect(service.announced()).resolves.toBeUndefined();
  });

  it('nothing where the board is away, which is said once and stops nothing', async () => {
    ground.board.post = () => Promise.reject(new Error('the broker is away'));
    const service = new Service(ground, [charging()], { announces: true });
    const looked = service.announcer!.start(1_000);
    await ground.clock.advance(200_000);
    await looked;
    await service.saga.start();
    await ground.transport.deliver([reserved(randomUUID())]);
    expect(ground.store.effects).toEqual(['charge b-1']);
    expect(warned(service, 'the broker is away')).toHaveLength(1);
  });
});
