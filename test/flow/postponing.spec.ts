import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { StepContext } from '../../libs/saga/src/flow/bound-step.js';
import { StepPostponed, StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { Booking, CardCharged } from './stage/booking.js';
import { reserved } from './stage/charging.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let sagaId: string;
beforeEach(() => {
  ground = new Ground();
  sagaId = randomUUID();
});

const charging = (run: (saga: StepContext) => CardCharged): Promise<Service> =>
  Service.started(ground, [bind(Booking, 'charge', (_input, saga) => run(saga))]);

describe('a step that is postponed', () => {
  test('is told how often and since when, so that it can say: twenty times, then no', async () => {
    const told: StepContext['postponed'][] = [];
    const service = await charging(({ postponed }) => {
      told.push(postponed);
      if (postponed.times < 20) throw new StepPostponed('the bank is closed', 60_000);
      throw new StepRejected('the bank does not open');
    });
    const begun = ground.clock.now();
    await ground.transport.deliver([reserved(sagaId)]);
    for (let minute = 0; minute < 25; minute += 1) await ground.clock.advance(60_000);
    expect(told.map(({ times }) => times)).toEqual(Array.from({ length: 21 }, (_, times) => times));
    expect(told[0]).toEqual({ times: 0 });
    expect(told.slice(1).map(({ since }) => since)).toEqual(Array.from({ length: 20 }, () => begun));
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'rejected' });
    expect(ground.transport.events.at(-1)?.cause?.reason).toBe('the bank does not open');
  });

  test('uses up no attempt, and a failed attempt between does not begin the count anew', async () => {
    const told: [times: number, attempt: number][] = [];
    await charging(({ postponed, attempt }) => {
      told.push([postponed.times, attempt]);
      if (told.length === 2) throw new Error('no connection');
      if (told.length < 4) throw new StepPostponed('not yet', 10);
      return new CardCharged({ bookingId: 'b-1' });
    });
    await ground.transport.deliver([reserved(sagaId)]);
    for (let round = 0; round < 5; round += 1) await ground.clock.advance(5_000);
    expect(told).toEqual([
      [0, 1],
      [1, 1],
      [1, 2],
      [2, 2],
    ]);
  });

  test('and then done keeps nothing of it: its undo is postponed on its own account', async () => {
    const service = await charging(({ postponed }) => {
      if (postponed.times === 0) throw new StepPostponed('not yet', 10);
      return new CardCharged({ bookingId: 'b-1' });
    });
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(5_000);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'done' });
    expect(await service.row(sagaId, 'charge')).not.toHaveProperty('postponed');
  });
});
