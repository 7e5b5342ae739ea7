import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import { OutcomeUnknown, StepRejected } from '../../libs/saga/src/protocol/errors.js';
import type { Bank } from './stage/bank.js';
import { Booking, CardCharged, Delivered, Payment } from './stage/booking.js';
import { delivered, lease, minute, PaymentScene, refused, unknown } from './stage/payment-scene.js';
import { eventRecord } from './stage/records.js';
import { bind, Service, type Ground } from './stage/service.js';

let scene: PaymentScene;
let ground: Ground;
let bank: Bank;
let sagaId: string;
beforeEach(() => {
  scene = new PaymentScene();
  ({ ground, bank, sagaId } = scene);
});

describe('work outside of which nobody knows the outcome', () => {
  it.each([
    ['it could not tell', unknown(), 'no answer'],
    ['it could not tell once, whatever its other attempts say', refused(), 'connection refused'],
  ])('is parked when its attempts are used up and %s: never rejected, attempted no more', async (_, other, last) => {
    const service = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await scene.pay();
    await scene.failing(unknown(), other, other, other);
    await ground.clock.advance(10 * minute);
    expect(new Set(bank.keys)).toEqual(new Set([`${sagaId}:deliver`]));
    expect(bank.calls).toHaveLength(4);
    expect(await scene.row(service)).toMatchObject({
      status: 'running',
      attempts: 4,
      undecided: { earlier: true },
      lastError: last,
    });
    expect(await scene.row(service)).not.toHaveProperty('dueIn');
    expect(ground.transport.events).toEqual([]);
    expect(await ground.store.deadLetters.list({ state: 'open', limit: 9 })).toMatchObject([
      { kind: 'undecided', sagaId, step: 'deliver', reason: last },
    ]);
    expect(service.logs.filter((line) => line.includes('is parked'))).toEqual([
      `Step "deliver" of saga ${sagaId} is parked: it was attempted 4 times and nobody knows whether its effect happened. Find out by its idempotency key "${sagaId}:deliver", then resolve it: ${last}`,
    ]);
  });

  it('is rejected when its attempts are used up and each surely had no effect', async () => {
    const service = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await scene.pay();
    await scene.failing(refused(), refused(), refused(), refused());
    expect(await scene.row(service)).toMatchObject({ status: 'rejected' });
    expect(ground.transport.events).toMatchObject([{ outcome: 'rejected', data: { reason: 'connection refused' } }]);
  });

  it('is parked when its process died in an attempt and all attempts after it failed', async () => {
    const dead = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await scene.pay();
    dead.kill();
    await bank.fail(refused()); // nobody hears it
    const next = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await ground.clock.advance(lease + 2_000);
    await scene.failing(refused(), refused(), refused(), refused());
    expect(bank.calls).toHaveLength(5);
    expect(await scene.row(next)).toMatchObject({ status: 'running', undecided: { earlier: true } });
    expect(await scene.row(next)).not.toHaveProperty('dueIn');
  });

  it.each([
    ['no event of the step', () => ({})],
    ['data that its schema refuses', () => new Delivered({} as never)],
  ])(
    'is what a method leaves whose answer is %s: it may well have had its effect, and waits for a person at once',
    async (_, answer) => {
      const delivering = bind(Payment, 'deliver', async () => answer());
      const service = await Service.started(ground, [delivering]);
      await scene.pay();
      await ground.clock.advance(10 * minute);
      expect(await scene.row(service)).toMatchObject({ status: 'running', attempts: 1, undecided: { earlier: true } });
      expect(await scene.row(service)).not.toHaveProperty('dueIn');
      expect(ground.transport.events).toEqual([]);
    },
  );

  it('is rejected after an unknown outcome only by a definite no under the same key', async () => {
    const service = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await scene.pay();
    await scene.failing(unknown(), new StepRejected('declined'));
    expect(await scene.row(service)).toMatchObject({ status: 'rejected' });
    expect(await scene.row(service)).not.toHaveProperty('undecided');
  });

  it('that is parked is done all the same when its answer comes after all', async () => {
    const slow = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await scene.pay();
    const [first] = bank.calls;
    slow.state = 'cut';
    const other = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await ground.clock.advance(lease + 2_000);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      bank.calls.at(-1)!.fail(unknown());
      await ground.clock.advance(minute);
    }
    expect(await scene.row(other)).not.toHaveProperty('dueIn');
    slow.state = 'well';
    first!.answer(delivered);
    await ground.clock.advance(2_000);
    expect(await scene.row(other)).toMatchObject({ status: 'done' });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:deliver:done`]);
    expect(await ground.store.deadLetters.list({ limit: 9 })).toMatchObject([{ settled: { as: 'overtaken' } }]);
  });

  it('that was thrown in a transaction parks its step too', async () => {
    const charging = bind(Booking, 'charge', () => {
      throw new OutcomeUnknown('no answer');
    });
    const service = await Service.started(ground, [charging]);
    await ground.transport.deliver([eventRecord(Booking, 'reserve', 'done', { bookingId: 'b-1' }, { sagaId })]);
    await ground.clock.advance(10 * minute);
    const parked = await service.row(sagaId, 'charge');
    expect(parked).toMatchObject({ status: 'running', attempts: 4 });
    expect(parked).not.toHaveProperty('dueIn');
    expect(ground.transport.events).toEqual([]);
  });

  it('is attempted for ever after the pivot, and one alert says so', async () => {
    const mailing = { ...bind(Booking, 'mail', bank.call) };
    const outside: BoundStep = { ...mailing, node: { ...mailing.node, external: true } };
    const service = await Service.started(ground, [outside]);
    await ground.transport.deliver([eventRecord(Booking, 'confirm', 'done', { bookingId: 'b-1' }, { sagaId })]);
    for (let attempt = 1; attempt <= 10; attempt += 1) await scene.failing(unknown());
    await ground.clock.advance(minute);
    expect(bank.calls.length).toBeGreaterThan(9);
    expect(service.logs.filter((line) => line.includes('keeps failing'))).toEqual([
      expect.stringMatching(new RegExp(`^Step "mail" of saga ${sagaId} keeps failing since .*: no answer$`)),
    ]);
  });
});

describe('a failure that is told late', () => {
  it('decides nothing for the attempt that was begun after it', async () => {
    const late = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await scene.pay();
    late.state = 'cut';
    const other = await Service.started(ground, [bind(Payment, 'deliver', bank.call)]);
    await ground.clock.advance(lease + 2_000);
    late.state = 'well';
    bank.calls[0]!.fail(refused());
    await ground.clock.advance(1_000);
    expect(await scene.row(other)).toMatchObject({ attempts: 0, undecided: { earlier: true } });
    expect(bank.calls).toHaveLength(2);
    bank.calls[1]!.answer(new CardCharged({ bookingId: 'x' }));
    await ground.clock.advance(100);
    expect(await scene.row(other)).toMatchObject({ attempts: 1 });
  });
});
