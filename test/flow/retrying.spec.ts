import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { defaultRetry } from '../../libs/saga/src/protocol/retry.js';
import { Booking, CardCharged, MailSent } from './stage/booking.js';
import { charging, reserved } from './stage/charging.js';
import { eventRecord, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let started: number;
beforeEach(() => {
  ground = new Ground();
  started = ground.clock.now().getTime();
});

const elapsed = (): number => ground.clock.now().getTime() - started;
const minute = 60_000;
const aWhile = 10 * minute;

/** A step that notes when it is attempted, and fails in one way until it is told not to. */
function failing(step: 'charge' | 'mail', error: () => Error = () => new Error('away')) {
  const attempts: { readonly at: number; readonly attempt: number; readonly key: string }[] = [];
  const state = { fails: true };
  const answer = { charge: new CardCharged({ bookingId: 'b-1' }), mail: new MailSent({ bookingId: 'b-1' }) }[step];
  const method = (_: object, { attempt, idempotencyKey: key }: StepContext): object => {
    attempts.push({ at: elapsed(), attempt, key });
    if (state.fails) throw error();
    return answer;
  };
  return {
    attempts,
    state,
    bound: bind(Booking, step, method),
    jittery: bind(Booking, step, method, { retry: { jitter: 0.2 } }),
  };
}

const confirmed = (sagaId: string) => eventRecord(Booking, 'confirm', 'done', { bookingId: 'b-1' }, { sagaId });

describe('a dependency that is away for thirty seconds', () => {
  it.each([0, 0.999])(
    'closes no saga and asks for nobody, with the policy that a module has (chance %d)',
    async (chance) => {
      const away = (): boolean => elapsed() < 30_000;
      const charge = bind(
        Booking,
        'charge',
        () => {
          if (away()) throw new Error('connect ECONNREFUSED');
          return new CardCharged({ bookingId: 'b-1' });
        },
        { retry: defaultRetry },
      );
      const service = await Service.started(ground, [charge], { random: () => chance });
      const sagas = sagaIds(20);
      for (const sagaId of sagas) {
        await ground.transport.deliver([reserved(sagaId)]);
        await ground.clock.advance(1_000);
      }
      await ground.clock.advance(minute);
      for (const sagaId of sagas) expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
      expect(service.logs.filter((line) => !line.includes('next attempt in'))).toEqual([]);
    },
  );
});

describe('a step that fails', () => {
  it('is attempted again after 1, 2 and 4 s, four times in all, then rejected with its default event', async () => {
    const { attempts, bound } = failing('charge');
    const service = await Service.started(ground, [bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(attempts.map(({ at }) => at)).toEqual([0, 1_000, 3_000, 7_000]);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'rejected', attempts: 0, inputs: {} });
    expect(ground.transport.events).toMatchObject([
      {
        type: 'booking.charge.rejected',
        data: { failedStep: 'charge', reason: 'away' },
        cause: { step: 'charge', reason: 'away' },
        causationId: `${sagaId}:reserve:done`,
      },
    ]);
  });

  it('has the same idempotency key in every attempt', async () => {
    const { attempts, bound } = failing('charge');
    await Service.started(ground, [bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(new Set(attempts.map(({ key }) => key))).toEqual(new Set([`${sagaId}:charge`]));
  });

  it('comes back sooner by chance, so that failures do not return together', async () => {
    const { attempts, jittery } = failing('charge');
    await Service.started(ground, [jittery], { random: () => 0.5 });
    await ground.transport.deliver([reserved(randomUUID())]);
    await ground.clock.advance(aWhile);
    expect(attempts.map(({ at }) => at)).toEqual([0, 900, 2_700, 6_300]);
  });

  it('and then succeeds is done like any other, with nothing left of its failures', async () => {
    const { attempts, state, bound } = failing('charge');
    const service = await Service.started(ground, [bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ failingSince: new Date(started), lastError: 'away' });
    await ground.clock.advance(1_500);
    state.fails = false;
    await ground.clock.advance(minute);
    expect(attempts).toHaveLength(3);
    const row = await service.row(sagaId, 'charge');
    expect(row).toMatchObject({ status: 'done', attempts: 0, inputs: {}, result: { type: 'card.charged' } });
    expect(row).not.toHaveProperty('dueIn');
    expect(row).not.toHaveProperty('lastError');
    expect(row).not.toHaveProperty('failingSince');
    expect(ground.transport.eventIds).toEqual([`${sagaId}:charge:done`]);
  });

  it('is attempted again by the next life of its process, with what it was given', async () => {
    const first = failing('charge');
    const dead = await Service.started(ground, [first.bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId, 'b-7')]);
    await dead.saga.drain();
    await ground.clock.advance(aWhile);
    expect(first.attempts).toHaveLength(1);

    const second = charging();
    const next = await Service.started(ground, [second]);
    await ground.clock.advance(1_100);
    expect(ground.store.effects).toEqual(['charge b-7']);
    expect(await next.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
  });

  it('is attempted by one replica only', async () => {
    const { attempts, bound } = failing('charge');
    for (let replica = 0; replica < 3; replica += 1) await Service.started(ground, [bound]);
    await ground.transport.deliver([reserved(randomUUID())]);
    await ground.clock.advance(aWhile);
    expect(attempts).toHaveLength(4);
  });

  it('keeps an error of any length and any characters, cut where it is too long', async () => {
    const { bound } = failing('charge', () => new Error(`nul \0 half \ud83d ${'🚀'.repeat(2_000)}`));
    const service = await Service.started(ground, [bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    const { lastError } = (await service.row(sagaId, 'charge'))!;
    expect(lastError).toMatch(/^nul � half � 🚀/u);
    expect(lastError!.length).toBeLessThanOrEqual(1_000);
    expect(lastError).not.toMatch(/\p{Cs}|\0/u);
  });

  it('does not hold up the attempts of others, however slow its own attempt is', async () => {
    let release = (): void => undefined;
    const slow = bind(Booking, 'mail', async (_: object, { attempt }: StepContext) => {
      if (attempt === 1) throw new Error('away');
      await new Promise<void>((resolve) => (release = resolve));
      return new MailSent({ bookingId: 'b' });
    });
    const { attempts, bound } = failing('charge');
    const service = await Service.started(ground, [slow, bound], { settings: { lanes: 16 } });
    const [slowSaga, failingSaga] = sagaIds(2);
    await ground.transport.deliver([confirmed(slowSaga!)]);
    await ground.clock.advance(500);
    await ground.transport.deliver([reserved(failingSaga!)]);
    await ground.clock.advance(aWhile);
    expect(attempts).toHaveLength(4);
    release();
    await ground.clock.advance(1);
    expect(await service.row(slowSaga!, 'mail')).toMatchObject({ status: 'done' });
  });

  it('is attempted no more by a service that has stopped, even when it was just looking for what is due', async () => {
    const { attempts, bound } = failing('charge');
    const service = await Service.started(ground, [bound]);
    await ground.transport.deliver([reserved(randomUUID())]);
    const claim = ground.store.claimDue.bind(ground.store);
    const looks: (() => void)[] = [];
    ground.store.claimDue = async (limit, lease) => {
      await new Promise<void>((resolve) => looks.push(resolve));
      return claim(limit, lease);
    };
    await ground.clock.advance(100);
    expect(looks).toHaveLength(1);
    const drained = service.saga.drain();
    looks[0]!();
    await drained;
    await ground.clock.advance(aWhile);
    expect(looks).toHaveLength(1);
    expect(attempts).toHaveLength(1);
  });
});

describe('a step that is never given up', () => {
  it.each([
    ['a retriable one', 'mail', () => new Error('away')],
    ['a retriable one that says no', 'mail', () => new StepRejected('no')],
  ] as const)('%s: it is attempted until it is done, after a minute at most', async (_, step, error) => {
    const { attempts, state, bound } = failing(step, error);
    const service = await Service.started(ground, [bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([step === 'mail' ? confirmed(sagaId) : reserved(sagaId)]);
    await ground.clock.advance(aWhile);
    expect(await service.row(sagaId, step)).toMatchObject({ status: 'running' });
    expect(ground.transport.events).toEqual([]);
    const pauses = attempts.slice(1).map(({ at }, index) => at - attempts[index]!.at);
    expect(pauses.slice(0, 8)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, minute, minute]);
    state.fails = false;
    await ground.clock.advance(minute);
    expect(await service.row(sagaId, step)).toMatchObject({ status: 'done' });
  });
});

describe('a database that is away for a while', () => {
  it('counts against no step: due attempts are made when it is back', async () => {
    const { attempts, state, bound } = failing('charge');
    const service = await Service.started(ground, [bound]);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    state.fails = false;
    ground.store.trouble = () => {
      throw new Error('the database is away');
    };
    await ground.clock.advance(10 * minute);
    expect(attempts).toHaveLength(1);
    ground.store.trouble = () => undefined;
    await ground.clock.advance(minute);
    expect(attempts.at(-1)).toMatchObject({ attempt: 2 });
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
  });
});
