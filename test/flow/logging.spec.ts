import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import { FenceConflict } from '../../libs/saga/src/ports/step-store.js';
import { Booking, CardCharged } from './stage/booking.js';
import { reserved } from './stage/charging.js';
import { sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

const hour = 3_600_000;
const [first, second] = sagaIds(2) as [string, string];

/** A step with a bug, or with whatever else is thrown. */
const failing = (thrown: () => unknown = () => new TypeError('no total')): BoundStep =>
  bind(Booking, 'charge', () => {
    throw thrown();
  });

const withStack = (logs: readonly string[]): readonly string[] => logs.filter((line) => /\n\s+at /.test(line));

describe('the stack of a failure is told', () => {
  it('once for all attempts of all sagas, and names the file of the step', async () => {
    const service = await Service.started(ground, [failing()]);
    await ground.transport.deliver([reserved(first), reserved(second)]);
    await ground.clock.advance(60_000);
    expect(service.logs.filter((line) => line.includes('no total'))).toHaveLength(8);
    expect(withStack(service.logs)).toEqual([
      expect.stringMatching(/^Step "charge" of saga .*\nTypeError: no total\n/),
    ]);
    expect(withStack(service.logs)[0]).toContain('logging.spec.ts');
  });

  it('for each place where an error is made, and again after an hour', async () => {
    const errors = [() => new TypeError('a'), () => new TypeError('b'), () => new RangeError('c')];
    let made = 0;
    const service = await Service.started(ground, [failing(() => errors[made++ % 3]!())]);
    await ground.transport.deliver([reserved(first)]);
    await ground.clock.advance(60_000);
    expect(withStack(service.logs)).toHaveLength(3);
    await ground.clock.advance(hour);
    await ground.transport.deliver([reserved(second)]);
    expect(withStack(service.logs)).toHaveLength(4);
  });

  it('with those of its causes, and reaches neither the row nor an event', async () => {
    const service = await Service.started(ground, [
      failing(() => new Error('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:9') })),
    ]);
    await ground.transport.deliver([reserved(first)]);
    await ground.clock.advance(60_000);
    expect(withStack(service.logs)[0]).toMatch(/\ncaused by: Error: connect ECONNREFUSED 127\.0\.0\.1:9\n/);
    const [event] = ground.transport.events;
    expect(event).toMatchObject({
      data: { reason: 'fetch failed; caused by: connect ECONNREFUSED 127.0.0.1:9' },
    });
    expect((await service.row(first, 'charge'))?.lastError ?? '').not.toContain(' at ');
  });

  it.each([['a text'], [null], [Object.create(null)], [{ stack: 7 }]])('not for %s, which has none', async (thrown) => {
    const service = await Service.started(ground, [failing(() => thrown)]);
    await ground.transport.deliver([reserved(first)]);
    expect(service.logs).toHaveLength(1);
    expect(withStack(service.logs)).toEqual([]);
  });
});

describe('of a transaction that is rolled back', () => {
  it('nothing is told: a failure is told once, after its commit, however many conflicts there are', async () => {
    const service = await Service.started(ground, [failing()]);
    let conflicts = 4;
    let toldBefore = -1;
    ground.store.trouble = (moment) => {
      if (moment === 'commit' && (conflicts -= 1) >= 0) throw new FenceConflict();
      if (moment === 'committed') toldBefore = service.logs.length;
    };
    await ground.transport.deliver([reserved(first)]);
    expect(conflicts).toBeLessThan(0);
    expect([toldBefore, service.logs.length]).toEqual([0, 1]);
  });

  it('nothing is told of a commit that fails', async () => {
    const service = await Service.started(ground, [failing()]);
    ground.store.trouble = (moment) => {
      if (moment === 'commit') throw new Error('the database is away');
    };
    await ground.transport.deliver([reserved(first)]).catch(() => undefined);
    expect(service.logs.filter((line) => line.includes('no total'))).toEqual([]);
  });
});

describe('what happens to steps', () => {
  it('is told in detail where it is wanted: saga, step, attempt', async () => {
    let away = true;
    const charge = bind(Booking, 'charge', () => {
      if (away) throw new Error('away');
      return new CardCharged({ bookingId: 'b-1' });
    });
    const service = await Service.started(ground, [charge]);
    const details: string[] = [];
    Object.assign(service.saga.participant.logger, { debug: (line: string) => void details.push(line) });
    await ground.transport.deliver([reserved(first)]);
    away = false;
    await ground.clock.advance(1_000);
    expect(details).toEqual([
      `Step "charge" of saga ${first} (booking), attempt 1: predecessorDone was retried, it is running, due in 1000 ms`,
      `Step "charge" of saga ${first} (booking), attempt 2: attempt was handled, it is done`,
    ]);
  });
});
