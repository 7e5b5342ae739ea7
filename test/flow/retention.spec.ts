import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkLifetimes, retentionOf } from '../../libs/saga/src/flow/retention/retention.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Booking, BookingConfirmed, MailSent } from './stage/booking.js';
import { charging, confirmRefused, reserved } from './stage/charging.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

/** Short ones, because every second of the virtual clock is lived. */
const hour = 2_000;
const day = 24_000;
const retention = retentionOf({ keep: 3 * day, margin: day, every: hour });
const confirmed = (sagaId: string): IncomingRecord => eventRecord(Booking, 'confirm', 'done', undefined, { sagaId });
const steps = [
  charging(),
  bind(Booking, 'confirm', () => new BookingConfirmed({ bookingId: 'b-1' })),
  bind(Booking, 'mail', () => new MailSent({ bookingId: 'b-1' })),
];
const charged = (sagaId: string): IncomingRecord => eventRecord(Booking, 'charge', 'done', undefined, { sagaId });
const stepsLeft = async (sagaId: string): Promise<readonly string[]> =>
  (await ground.store.find(sagaId)).map(({ step }) => step).toSorted((a, b) => (a < b ? -1 : 1));

describe('a service that purges', () => {
  it('forgets a saga that committed, and one that closed backwards, when they were kept for long enough', async () => {
    await Service.started(ground, steps, { retention });
    const [done, closed] = [randomUUID(), randomUUID()];
    await ground.transport.deliver([reserved(done), reserved(closed)]);
    await ground.transport.deliver([charged(done), confirmRefused(closed)]);
    await ground.transport.deliver([confirmed(done)]);
    await ground.clock.advance(2 * day);
    expect(await stepsLeft(done)).toEqual(['charge', 'confirm', 'mail']);
    expect(await stepsLeft(closed)).toEqual(['charge', 'mail']);
    await ground.clock.advance(2 * day);
    expect(await stepsLeft(done)).toEqual([]);
    expect(await stepsLeft(closed)).toEqual([]);
  });

  it('never forgets a step that may still be undone: done, before the pivot, and nobody said that the pivot is', async () => {
    await Service.started(ground, [charging()], { retention });
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(30 * day);
    expect(await stepsLeft(sagaId)).toEqual(['charge']);
    await ground.transport.deliver([confirmRefused(sagaId)]);
    await ground.clock.advance(1_000);
    expect(ground.store.effects).toEqual(['charge b-1', 'refund b-1']);
  });

  it('marks what the pivot settles, once, whatever order its event comes in, and makes no row of it', async () => {
    const service = await Service.started(ground, [charging()], { retention });
    const [sagaId, unknown] = [randomUUID(), randomUUID()];
    await ground.transport.deliver([confirmed(unknown)]);
    expect(await stepsLeft(unknown)).toEqual([]);
    await ground.transport.deliver([reserved(sagaId)]);
    expect((await service.row(sagaId, 'charge'))?.settled).toBeUndefined();
    await ground.transport.deliver([confirmed(sagaId)]);
    const marked = await service.row(sagaId, 'charge');
    expect(marked).toMatchObject({ status: 'done', settled: true });
    await ground.transport.deliver([confirmed(sagaId), reserved(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toEqual(marked);
  });

  it('marks many sagas with one statement', async () => {
    await Service.started(ground, [charging()], { retention, settings: { lanes: 1 } });
    const ids = Array.from({ length: 40 }, () => randomUUID());
    await ground.transport.deliver(ids.map((id) => reserved(id)));
    const before = ground.store.commits;
    await ground.transport.deliver(ids.map(confirmed));
    expect(ground.store.commits - before).toBeLessThanOrEqual(2);
  });

  it('takes no undo for what the pivot settled', async () => {
    const service = await Service.started(ground, [charging()], { retention });
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId), confirmed(sagaId)]);
    await ground.transport.deliver([confirmed(sagaId)]);
    const before = service.tally.snapshot().anomaly;
    await ground.transport.deliver([confirmRefused(sagaId)]);
    expect(service.tally.snapshot().anomaly).toBe(before + 1);
    expect(ground.store.effects).toEqual(['charge b-1']);
  });

  it('refuses what comes again while it keeps it: neither a step nor its undo has a second effect', async () => {
    await Service.started(ground, steps, { retention });
    const [done, closed] = [randomUUID(), randomUUID()];
    const records = [reserved(done), charged(done), confirmed(done), reserved(closed), confirmRefused(closed)];
    for (const record of records) await ground.transport.deliver([record]);
    await ground.clock.advance(3 * day - hour);
    const before = [...ground.store.effects];
    for (const record of records.toReversed()) await ground.transport.deliver([record]);
    await ground.clock.advance(1_000);
    expect(ground.store.effects).toEqual(before);
  });

  it('purges nothing while its topics remember for too long, and goes on when they do not', async () => {
    const service = await Service.started(ground, [charging()], { retention });
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId), confirmRefused(sagaId)]);
    ground.transport.lifetime = 3 * day;
    await ground.clock.advance(10 * day);
    expect(await stepsLeft(sagaId)).toEqual(['charge']);
    expect(service.logs.join()).toContain('Nothing more is purged for now: Finished sagas would be forgotten too soon');
    ground.transport.lifetime = 2 * day;
    await ground.clock.advance(2 * hour);
    expect(await stepsLeft(sagaId)).toEqual([]);
  });

  it('does not start when its topics remember for too long', async () => {
    ground.transport.lifetime = 7 * day;
    const service = new Service(ground, [charging()], { retention });
    await expect(service.saga.start()).rejects.toThrow(
      'records of topic "saga.booking" may come again for 168000 ms (retention.ms and segment.ms), and the margin is 24000 ms: set retention.keep to 192000 ms or more, it is 72000',
    );
    expect(ground.transport.subscriptions).toEqual([]);
  });

  it('starts while nobody can tell for how long topics remember, and purges nothing until somebody can', async () => {
    ground.transport.down = new Error('the broker is away');
    const service = await Service.started(ground, [charging()], { retention });
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId), confirmRefused(sagaId)]);
    await ground.clock.advance(10 * day);
    expect(await stepsLeft(sagaId)).toEqual(['charge']);
    ground.transport.down = undefined;
    await ground.clock.advance(2 * hour);
    expect(await stepsLeft(sagaId)).toEqual([]);
    expect(service.logs.join()).toContain('the broker is away');
  });
});

it('a service that does not purge writes nothing more for it', async () => {
  const service = await Service.started(ground, [charging()]);
  const sagaId = randomUUID();
  await ground.transport.deliver([reserved(sagaId)]);
  const before = await service.row(sagaId, 'charge');
  const commits = ground.store.commits;
  await ground.transport.deliver([confirmed(sagaId)]);
  expect(ground.store.commits).toBe(commits);
  expect(await service.row(sagaId, 'charge')).toEqual(before);
});

describe('topics that never forget', () => {
  it('allow no purge at all', () => {
    const check = (): void => checkLifetimes(retention, new Map([['saga.order', Infinity]]));
    expect(check).toThrow(
      'topic "saga.order" keeps its records for good, so nothing may be purged: give it a retention.ms and the cleanup.policy "delete", or leave out retention',
    );
  });

  it('are all named', () => {
    const lifetimes = new Map([
      ['a', Infinity],
      ['b', 100 * day],
      ['c', day],
      ['d', 0],
    ]);
    const error = (() => {
      try {
        checkLifetimes(retention, lifetimes);
      } catch (thrown) {
        return thrown;
      }
      return undefined;
    })();
    expect(error).toMatchObject({
      code: 'RETENTION_TOO_SHORT',
      violations: [expect.stringContaining('"a"'), expect.stringContaining('"b"')],
    });
  });
});
