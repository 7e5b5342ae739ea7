import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import type { Delivery } from '../../libs/saga/src/flow/delivery.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { Bank } from './stage/bank.js';
import { Delivered, Payment, PaymentAsked, PaymentMade, PaymentUndone } from './stage/booking.js';
import { eventRecord, received, sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const lease = 30_000;
const minute = 60_000;

let ground: Ground;
let bank: Bank;
let delivering: BoundStep;
beforeEach(() => {
  ground = new Ground();
  bank = new Bank();
  delivering = bind(Payment, 'deliver', bank.call);
});

const delivered = new Delivered({ bookingId: 'b-1' });
const made = new PaymentMade({ bookingId: 'b-1' });
const paid = (sagaId: string) => eventRecord(Payment, 'pay', 'done', { bookingId: 'b-1' }, { sagaId });
const refused = (sagaId: string) =>
  eventRecord(Payment, 'deliver', 'rejected', { failedStep: 'deliver', reason: 'nobody at home' }, { sagaId });

/** Begins the payment itself, a compensatable step, by the outside event that asks for it. */
async function startedPayment(): Promise<string> {
  const value = JSON.stringify(new PaymentAsked({ bookingId: 'b-1', amount: 7 }));
  await ground.transport.deliver([received({ topic: 'payment.asked', key: randomUUID(), headers: {}, value })]);
  return bank.keys.at(-1)!.split(':')[0]!;
}

/** The delivery of the closing of its successor to `pay`. */
const closing = (bound: BoundStep, sagaId: string): Delivery => ({
  sagaId,
  bound,
  headers: { sagaId, sagaType: 'payment', sagaVersion: 1, correlationId: sagaId, partitionKey: sagaId },
  happening: { type: 'signal', signal: { type: 'successorClosed', step: 'deliver' } },
});

describe('a step that works outside', () => {
  it('has its intent committed before its method runs, and no transaction open while it runs', async () => {
    const service = await Service.started(ground, [delivering]);
    const sagaId = randomUUID();
    await ground.transport.deliver([paid(sagaId)]);
    expect(bank.keys).toEqual([`${sagaId}:deliver`]);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'running', dueIn: lease });
    await ground.store.transaction([{ sagaId, step: 'deliver' }], async ({ rows }) => expect(rows).toHaveLength(1));
    await bank.answer(delivered);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'done', inputs: {} });
    expect(await service.row(sagaId, 'deliver')).not.toHaveProperty('dueIn');
    await ground.clock.advance(1);
    expect(ground.transport.eventIds).toEqual([`${sagaId}:deliver:done`]);
  });

  it('is not begun when its intent could not be committed', async () => {
    await Service.started(ground, [delivering]);
    ground.store.trouble = (moment) => {
      if (moment === 'commit') throw new Error('no space left on device');
    };
    await expect(ground.transport.deliver([paid(randomUUID())])).rejects.toThrow('no space left');
    expect(bank.calls).toEqual([]);
  });

  it('is not begun again by its event arriving again while it runs', async () => {
    await Service.started(ground, [delivering]);
    const sagaId = randomUUID();
    for (let round = 0; round < 3; round += 1) await ground.transport.deliver([paid(sagaId)]);
    expect(bank.calls).toHaveLength(1);
  });

  it('is left to its process for as long as it takes, however many replicas there are', async () => {
    for (let replica = 0; replica < 3; replica += 1) await Service.started(ground, [delivering]);
    await ground.transport.deliver([paid(randomUUID())]);
    await ground.clock.advance(10 * minute);
    expect(bank.calls).toHaveLength(1);
  });

  it('is begun again with the same key when its process died, after the lease and not before', async () => {
    const dead = await Service.started(ground, [delivering]);
    const sagaId = randomUUID();
    await ground.transport.deliver([paid(sagaId)]);
    dead.kill();
    const next = await Service.started(ground, [delivering]);
    await ground.clock.advance(lease - 1_000);
    expect(bank.calls).toHaveLength(1);
    await ground.clock.advance(3_000);
    expect(bank.keys).toEqual([`${sagaId}:deliver`, `${sagaId}:deliver`]);
    await bank.answer(delivered); // nobody hears the answer to the dead
    expect(await next.row(sagaId, 'deliver')).toMatchObject({ status: 'running' });
    await bank.answer(delivered);
    expect(await next.row(sagaId, 'deliver')).toMatchObject({ status: 'done' });
  });

  it('has its outcome recorded, without another call, when the database was away for a while', async () => {
    const service = await Service.started(ground, [delivering]);
    const sagaId = randomUUID();
    await ground.transport.deliver([paid(sagaId)]);
    service.state = 'cut';
    await bank.answer(delivered);
    await ground.clock.advance(5 * minute);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'running' });
    service.state = 'well';
    await ground.clock.advance(2_000);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'done' });
    expect(bank.calls).toHaveLength(1);
  });

  it('is rejected when it says so', async () => {
    const service = await Service.started(ground, [delivering]);
    const sagaId = randomUUID();
    await ground.transport.deliver([paid(sagaId)]);
    await bank.fail(new StepRejected('nobody at home'));
    await ground.clock.advance(1);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'rejected' });
    expect(ground.transport.events).toMatchObject([{ cause: { step: 'deliver', reason: 'nobody at home' } }]);
  });

  it('that a replica finished meanwhile is not touched by a late answer, nor by a late failure', async () => {
    const late = await Service.started(ground, [delivering]);
    const [answered, failed] = sagaIds(2);
    await ground.transport.deliver([paid(answered!), paid(failed!)]);
    late.state = 'cut';
    const other = await Service.started(ground, [delivering]);
    await ground.clock.advance(2 * lease);
    const [first, second, ...again] = bank.calls;
    for (const call of again) call.answer(delivered);
    await ground.clock.advance(1);
    late.state = 'well';
    first!.answer(delivered);
    second!.fail(new Error('too late'));
    await ground.clock.advance(minute);
    expect(bank.calls).toHaveLength(4);
    for (const sagaId of [answered!, failed!])
      expect(await other.row(sagaId, 'deliver')).toMatchObject({ status: 'done', attempts: 0 });
    expect(ground.transport.eventIds.toSorted()).toEqual([`${answered}:deliver:done`, `${failed}:deliver:done`]);
    expect(late.tally.snapshot()).toMatchObject({ duplicate: 1, ignored: 1 });
  });

  it('that is started when the service has stopped is left to its next life', async () => {
    const paying = bind(Payment, 'pay', bank.call);
    const stopped = await Service.started(ground, [paying]);
    await stopped.saga.drain();
    const { sagaId, step } = await stopped.saga.startSaga(Payment, { bookingId: 'b-1', amount: 7 });
    expect([step, bank.calls.length]).toEqual(['running', 0]);
    await Service.started(ground, [paying]);
    await ground.clock.advance(lease + 2_000);
    expect(bank.keys).toEqual([`${sagaId}:pay`]);
  });
});

describe('an undo that works outside', () => {
  const undo = new PaymentUndone({ bookingId: 'b-1', why: 'refused' });

  it('has a key of its own, and is recorded like its step', async () => {
    const service = await Service.started(ground, [bind(Payment, 'pay', bank.call, { undo: bank.call })]);
    const sagaId = await startedPayment();
    await bank.answer(made);
    await ground.transport.deliver([refused(sagaId)]);
    expect(bank.keys).toEqual([`${sagaId}:pay`, `${sagaId}:pay:undo`]);
    await bank.answer(undo);
    expect(await service.row(sagaId, 'pay')).toMatchObject({ status: 'compensated' });
  });

  it('follows its step when the saga closed while the step ran, and the step announces nothing', async () => {
    const service = await Service.started(ground, [bind(Payment, 'pay', bank.call, { undo: bank.call })]);
    const sagaId = await startedPayment();
    await ground.transport.deliver([refused(sagaId)]);
    expect(bank.keys).toEqual([`${sagaId}:pay`]);
    await bank.answer(made);
    await ground.clock.advance(100);
    expect(bank.keys).toEqual([`${sagaId}:pay`, `${sagaId}:pay:undo`]);
    await bank.answer(undo);
    await ground.clock.advance(1);
    expect(ground.transport.eventIds).toEqual([`${sagaId}:pay:compensated`]);
    expect(await service.row(sagaId, 'pay')).toMatchObject({ status: 'compensated' });
  });

  it('is not charged with a failure of its step that comes late', async () => {
    const paying = bind(Payment, 'pay', bank.call, { undo: bank.call });
    const late = await Service.started(ground, [paying]);
    const sagaId = await startedPayment();
    late.state = 'cut';
    const other = await Service.started(ground, [paying]);
    await ground.clock.advance(lease + 2_000);
    bank.calls[1]!.answer(made);
    await ground.clock.advance(1);
    await other.saga.submit(closing(paying, sagaId));
    expect(bank.keys).toEqual([`${sagaId}:pay`, `${sagaId}:pay`, `${sagaId}:pay:undo`]);
    late.state = 'well';
    bank.calls[0]!.fail(new Error('too late'));
    await ground.clock.advance(1);
    const row = await other.row(sagaId, 'pay');
    expect(row).toMatchObject({ status: 'compensating', attempts: 0 });
    expect(row).not.toHaveProperty('lastError');
  });

  it('that keeps failing becomes a dead letter', async () => {
    const service = await Service.started(ground, [bind(Payment, 'pay', bank.call, { undo: bank.call })]);
    const sagaId = await startedPayment();
    await bank.answer(made);
    await ground.transport.deliver([refused(sagaId)]);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await bank.fail(new Error('the bank is closed'));
      await ground.clock.advance(minute);
    }
    expect(await service.row(sagaId, 'pay')).toMatchObject({ status: 'deadLettered', attempts: 4 });
    expect(ground.transport.events.at(-1)).toMatchObject({
      type: 'saga.compensation.failed',
      data: { step: 'pay', event_type: 'payment.deliver.rejected', compensation_error: 'the bank is closed' },
    });
  });
});
