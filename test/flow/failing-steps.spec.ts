import { beforeEach, describe, expect, it } from 'vitest';
import { defaultRetry } from '../../libs/saga/src/protocol/retry.js';
import { Booking, CardCharged, MailSent } from './stage/booking.js';
import { reserved } from './stage/charging.js';
import { eventRecord, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const minute = 60_000;
let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const confirmed = (sagaId: string) => eventRecord(Booking, 'confirm', 'done', { bookingId: 'b-1' }, { sagaId });

/** The step after the pivot, which fails until it is told not to. */
async function mailing() {
  const state = { fails: true };
  const mail = bind(
    Booking,
    'mail',
    () => {
      if (state.fails) throw new Error('no mail server');
      return new MailSent({ bookingId: 'b-1' });
    },
    { retry: defaultRetry },
  );
  const service = await Service.started(ground, [mail]);
  return { state, service };
}

const alertsOf = ({ logs }: Service): readonly string[] => logs.filter((line) => line.includes('keeps failing since'));

describe('a step that fails and is attempted again', () => {
  it('is listed from its first failure, with since when and why, until it is done', async () => {
    const { state, service } = await mailing();
    const [sagaId] = sagaIds(1);
    const since = ground.clock.now();
    await ground.transport.deliver([confirmed(sagaId!)]);
    const listed = { saga: 'booking', step: 'mail', of: 'step', sagaId, since, reason: 'no mail server' };
    expect(service.saga.failing.list()).toEqual([listed]);
    await ground.clock.advance(minute);
    expect(service.saga.failing.list()).toEqual([listed]);
    state.fails = false;
    await ground.clock.advance(minute);
    expect(service.saga.failing.list()).toEqual([]);
  });

  it('before the pivot is listed too, and no longer when it is rejected', async () => {
    const charge = bind(
      Booking,
      'charge',
      (): CardCharged => {
        throw new Error('away');
      },
      { retry: { ...defaultRetry, retries: 2 } },
    );
    const service = await Service.started(ground, [charge]);
    const [sagaId] = sagaIds(1);
    await ground.transport.deliver([reserved(sagaId!)]);
    expect(service.saga.failing.list()).toMatchObject([{ step: 'charge', sagaId }]);
    await ground.clock.advance(10 * minute);
    expect(service.saga.failing.list()).toEqual([]);
    expect(alertsOf(service)).toEqual([]);
  });

  it('alerts somebody once when it has failed for two minutes, however often that was', async () => {
    const { service } = await mailing();
    const [sagaId] = sagaIds(1);
    await ground.transport.deliver([confirmed(sagaId!)]);
    await ground.clock.advance(1.9 * minute);
    expect(alertsOf(service)).toEqual([]);
    await ground.clock.advance(30 * minute);
    expect(alertsOf(service)).toEqual([
      expect.stringMatching(new RegExp(`^Step "mail" of saga ${sagaId} keeps failing since .*: no mail server$`)),
    ]);
  });

  it('for many sagas alerts in one line, and one that begins later in a line of its own', async () => {
    const { service } = await mailing();
    const ids = sagaIds(41);
    await ground.transport.deliver(ids.slice(0, 40).map(confirmed));
    await ground.clock.advance(5 * minute);
    const first = alertsOf(service);
    expect(first).toHaveLength(1);
    await ground.clock.advance(10 * minute);
    await ground.transport.deliver([confirmed(ids[40]!)]);
    await ground.clock.advance(15 * minute);
    expect(alertsOf(service).filter((line) => line.includes(ids[40]!))).toHaveLength(1);
    expect(alertsOf(service).length).toBeLessThan(5);
  });
});
