import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import type { Happening } from '../../libs/saga/src/flow/delivery.js';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import type { Bank } from './stage/bank.js';
import { Payment } from './stage/booking.js';
import { delivered, lease, minute, PaymentScene, refused, unknown } from './stage/payment-scene.js';
import { bind, Service, type Ground } from './stage/service.js';

let scene: PaymentScene;
let ground: Ground;
let bank: Bank;
let sagaId: string;
beforeEach(() => {
  scene = new PaymentScene();
  ({ ground, bank, sagaId } = scene);
});

describe('who can be asked what came of a step', () => {
  const asked: string[] = [];
  let answer: () => unknown;
  let delivering: BoundStep;
  beforeEach(() => {
    asked.length = 0;
    delivering = bind(Payment, 'deliver', bank.call, {
      resolve: (input: { readonly bookingId: string }, { idempotencyKey }) => {
        asked.push(`${input.bookingId} ${idempotencyKey}`);
        return answer();
      },
    });
  });

  it('is asked before another attempt is made, and what it knows is the outcome', async () => {
    answer = () => delivered;
    const service = await Service.started(ground, [delivering]);
    await scene.pay();
    await scene.failing(unknown());
    expect(asked).toEqual([`b-1 ${sagaId}:deliver`]);
    expect(bank.calls).toHaveLength(1);
    expect(await scene.row(service)).toMatchObject({ status: 'done' });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:deliver:done`]);
  });

  it('is asked when a process died in an attempt', async () => {
    answer = () => delivered;
    const dead = await Service.started(ground, [delivering]);
    await scene.pay();
    dead.kill();
    const next = await Service.started(ground, [delivering]);
    await ground.clock.advance(lease + 2_000);
    expect([asked.length, bank.calls.length]).toEqual([1, 1]);
    expect(await scene.row(next)).toMatchObject({ status: 'done' });
  });

  it('is not asked when the attempt surely had no effect', async () => {
    await Service.started(ground, [delivering]);
    await scene.pay();
    await scene.failing(refused());
    expect(asked).toEqual([]);
    expect(bank.calls).toHaveLength(2);
  });

  it('may say that it was refused', async () => {
    answer = () => {
      throw new StepRejected('declined');
    };
    const service = await Service.started(ground, [delivering]);
    await scene.pay();
    await scene.failing(unknown());
    expect(await scene.row(service)).toMatchObject({ status: 'rejected' });
    expect(ground.transport.events).toMatchObject([{ cause: { reason: 'declined' } }]);
  });

  it('may say that it did not happen: then it is attempted again at once, and may be rejected at last', async () => {
    answer = () => undefined;
    const service = await Service.started(ground, [delivering]);
    await scene.pay();
    await bank.fail(unknown());
    await ground.clock.advance(1_100);
    expect([asked.length, bank.calls.length]).toEqual([1, 2]);
    expect(await scene.row(service)).toMatchObject({ attempts: 1, undecided: { earlier: false } });
    await scene.failing(refused(), refused(), refused());
    expect(bank.calls).toHaveLength(4);
    expect(await scene.row(service)).toMatchObject({ status: 'rejected' });
  });

  it('rejects a step whose attempts are used up by saying that it did not happen', async () => {
    answer = () => undefined;
    const service = await Service.started(ground, [delivering]);
    await scene.pay();
    await scene.failing(unknown(), unknown(), unknown(), unknown());
    expect([asked.length, bank.calls.length]).toEqual([4, 4]);
    expect(await scene.row(service)).toMatchObject({ status: 'rejected' });
    expect(ground.transport.events).toMatchObject([{ outcome: 'rejected', data: { reason: 'no answer' } }]);
  });

  it('is asked again, later and later, while it does not know; the step is neither attempted nor parked', async () => {
    const times: number[] = [];
    const started = ground.clock.now().getTime();
    answer = () => {
      times.push(Math.round((ground.clock.now().getTime() - started) / 1_000));
      throw new Error('the bank is closed');
    };
    const service = await Service.started(ground, [delivering]);
    await scene.pay();
    await bank.fail(unknown());
    await ground.clock.advance(10 * minute);
    expect(times.slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184]);
    expect(bank.calls).toHaveLength(1);
    expect(await scene.row(service)).toMatchObject({ status: 'running', attempts: 1, lastError: 'the bank is closed' });
    answer = () => delivered;
    await ground.clock.advance(2 * minute);
    expect(await scene.row(service)).toMatchObject({ status: 'done' });
  });

  it('is asked by one replica only', async () => {
    answer = () => {
      throw new Error('the bank is closed');
    };
    for (let replica = 0; replica < 3; replica += 1) await Service.started(ground, [delivering]);
    await scene.pay();
    await bank.fail(unknown());
    await ground.clock.advance(minute);
    expect(asked).toHaveLength(6);
  });

  it('ends a step that is doomed when it did not happen: nothing is attempted only to be undone', async () => {
    answer = () => undefined;
    const paying = bind(Payment, 'pay', bank.call, { resolve: () => answer() });
    const service = await Service.started(ground, [paying]);
    const headers = { sagaId, sagaType: 'payment', sagaVersion: 1, correlationId: sagaId, partitionKey: sagaId };
    const data = { bookingId: 'b-1', amount: 7 };
    const happens = (happening: Extract<Happening, { type: 'signal' }>) =>
      service.saga.submit({ sagaId, bound: paying, headers, happening });
    const input = { from: 'pay', event: { type: 'payment.asked', data }, instance: data };
    await happens({ type: 'signal', signal: { type: 'started' }, input });
    await happens({ type: 'signal', signal: { type: 'successorClosed', step: 'deliver' } });
    await scene.failing(unknown());
    expect(bank.calls).toHaveLength(1);
    expect(await service.row(sagaId, 'pay')).toMatchObject({ status: 'cancelled' });
    expect(ground.transport.eventIds).toEqual([`${sagaId}:pay:cancelled`]);
  });
});
