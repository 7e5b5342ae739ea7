import { beforeEach, describe, expect, it } from 'vitest';
import { StepRejected } from '../../libs/saga/src/protocol/errors.js';
import { Booking, CardCharged } from './stage/booking.js';
import { reserved } from './stage/charging.js';
import { settled } from './stage/network.js';
import { activate, approve, Denied, denied, Granted, granted, Opening, opening, second } from './stage/opening.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let service: Service;

beforeEach(async () => {
  ground = new Ground();
  service = await Service.started(ground, opening());
});

/** A saga whose approval somebody waits for. */
async function begun(): Promise<string> {
  const { sagaId } = await service.saga.startSaga(Opening, {});
  await settled(ground);
  return sagaId;
}

const statuses = async (sagaId: string): Promise<Record<string, string>> =>
  Object.fromEntries((await ground.store.find(sagaId)).map(({ step, status }) => [step, status]));
const completed = { submit: 'done', reserve: 'done', approve: 'done', activate: 'done' };
const closed = { submit: 'compensated', reserve: 'compensated', approve: 'rejected', activate: 'cancelled' };

describe('a step that awaits a signal', () => {
  it('begins with its method, and then waits: its row runs and nothing is due', async () => {
    const sagaId = await begun();
    expect(ground.store.effects).toEqual(['asked for approval']);
    const row = await service.row(sagaId, 'approve');
    expect(row).toMatchObject({ status: 'running', attempts: 0 });
    expect(row).not.toHaveProperty('dueIn');
    await ground.clock.advance(second);
    expect(ground.store.effects).toEqual(['asked for approval']);
  });

  it('is begun once, also when a replica that was held up makes an attempt that another has made meanwhile', async () => {
    await begun();
    const [saga] = ground.transport.events;
    const bound = service.saga.participant.steps.find(Opening, 'approve')!;
    await service.saga.submit({ sagaId: saga!.sagaId, bound, headers: saga!, happening: { type: 'attempt' } });
    expect(ground.store.effects).toEqual(['asked for approval']);
  });

  it('is done with the event that it is signaled', async () => {
    const sagaId = await begun();
    expect(await service.saga.signal(sagaId, approve, granted('ann'))).toEqual({ accepted: true, existing: false });
    await settled(ground);
    expect(await statuses(sagaId)).toEqual(completed);
    const event = ground.transport.events.find(({ step }) => step === 'approve');
    expect(event).toMatchObject({ type: 'approval.granted', outcome: 'done', data: { accountId: 'a-1', by: 'ann' } });
  });

  it.each<[what: string, signal: object, type: string, reason: string]>([
    ['its rejected event', denied('no papers'), 'approval.denied', 'no papers'],
    ['a StepRejected', new StepRejected('no papers'), 'opening.approve.rejected', 'no papers'],
  ])('is rejected with %s, and the saga closes backwards', async (_what, signal, type, reason) => {
    const sagaId = await begun();
    expect(await service.saga.signal(sagaId, approve, signal)).toEqual({ accepted: true, existing: false });
    await settled(ground);
    expect(await statuses(sagaId)).toEqual(closed);
    expect(ground.transport.events.find(({ step }) => step === 'approve')).toMatchObject({ type, outcome: 'rejected' });
    expect(ground.store.effects).toContain(`released: approve: ${reason}`);
  });

  it('is decided at once when its method answers with an event', async () => {
    service.kill();
    service = await Service.started(ground, opening({ approve: () => granted('a rule') }));
    const sagaId = await begun();
    expect(await statuses(sagaId)).toEqual(completed);
  });

  it('whose method fails is attempted again, and waits after the attempt that succeeds', async () => {
    let fails = 2;
    const trouble = (): undefined => {
      if ((fails -= 1) >= 0) throw new Error('mail is away');
    };
    service.kill();
    service = await Service.started(ground, opening({ approve: trouble }));
    const sagaId = await begun();
    expect(await service.saga.signal(sagaId, approve, granted())).toEqual({
      accepted: false,
      because: 'notWaiting',
      why: 'notReady',
    });
    await ground.clock.advance(10_000);
    const row = await service.row(sagaId, 'approve');
    expect(row).toMatchObject({ status: 'running', attempts: 0 });
    expect(row).not.toHaveProperty('lastError');
    expect(ground.store.effects).toEqual(['asked for approval']);
    expect(await service.saga.signal(sagaId, approve, granted())).toEqual({ accepted: true, existing: false });
  });

  it('is signaled by any replica, also after the process that began it is gone', async () => {
    const sagaId = await begun();
    service.kill();
    service = await Service.started(ground, opening());
    expect(await service.saga.signal(sagaId, approve, granted())).toEqual({ accepted: true, existing: false });
    await settled(ground);
    expect(await statuses(sagaId)).toEqual(completed);
  });

  it('after the pivot waits too: an abort and a deadline do not end it', async () => {
    service.kill();
    const steps = opening({ approve: () => granted() }).map((bound) =>
      bound.node === activate
        ? { ...bound, node: { ...activate, awaits: 'signal' as const }, run: async () => undefined }
        : bound,
    );
    service = await Service.started(ground, steps);
    const sagaId = await begun();
    await service.saga.publishAbort({ saga: Opening, sagaId, reason: 'changed my mind' });
    await settled(ground);
    await ground.clock.advance(2 * second);
    expect(await statuses(sagaId)).toEqual({ ...completed, activate: 'running' });
    expect(service.logs.filter((line) => line.includes('"activate"') && line.includes('not done after'))).toHaveLength(
      1,
    );
  });
});

describe('a signal', () => {
  it('before the step waits is refused, may be repeated, and leaves nothing behind', async () => {
    const sagaId = '00000000-0000-4000-8000-000000000001';
    expect(await service.saga.signal(sagaId, approve, granted())).toEqual({
      accepted: false,
      because: 'notWaiting',
      why: 'sagaUnknown',
    });
    expect(await ground.store.find(sagaId)).toEqual([]);
  });

  it('for a saga that is known here, in which the step has not begun, is told that', async () => {
    const withoutReserve = opening().filter((bound) => bound.node.name !== 'reserve');
    service.kill();
    service = await Service.started(ground, withoutReserve);
    const { sagaId } = await service.saga.startSaga(Opening, { name: 'Ann' });
    await settled(ground);
    const answer = await service.saga.signal(sagaId, approve, granted());
    expect(answer).toEqual({ accepted: false, because: 'notWaiting', why: 'notBegun' });
  });

  it('for a step that awaits none, or of a saga of another kind, is told from one that has not begun', async () => {
    const sagaId = await begun();
    const other = '00000000-0000-4000-8000-000000000002';
    service.kill();
    service = await Service.started(ground, [
      ...opening(),
      bind(Booking, 'charge', () => new CardCharged({ bookingId: 'b-1' })),
    ]);
    await ground.transport.deliver([reserved(other)]);
    const answer = await service.saga.signal(other, approve, granted());
    expect(answer).toEqual({ accepted: false, because: 'notWaiting', why: 'sagaUnknown' });
    await expect(service.saga.signal(sagaId, activate, granted())).rejects.toMatchObject({
      code: 'INVALID_SIGNAL',
      message: expect.stringContaining('Step "activate" of saga "opening" awaits no signal') as string,
    });
  });

  it('that is repeated is accepted again and changes nothing', async () => {
    for (const [signal, outcome] of [
      [granted(), 'done'],
      [denied(), 'rejected'],
    ] as const) {
      const sagaId = await begun();
      await service.saga.signal(sagaId, approve, signal);
      expect(await service.saga.signal(sagaId, approve, signal)).toEqual({ accepted: true, existing: true });
      await settled(ground);
      expect(await service.saga.signal(sagaId, approve, signal)).toEqual({ accepted: true, existing: true });
      const events = ground.transport.eventIds.filter((id) => id.startsWith(`${sagaId}:approve`));
      expect(events).toEqual([`${sagaId}:approve:${outcome}`]);
    }
  });

  it('after another one is told what was decided', async () => {
    const sagaId = await begun();
    await service.saga.signal(sagaId, approve, granted('ann'));
    const late = { accepted: false, because: 'decided', outcome: 'done' };
    expect(await service.saga.signal(sagaId, approve, denied())).toEqual(late);
    expect(await service.saga.signal(sagaId, approve, granted('bob'))).toEqual(late);
  });

  it('after the saga was aborted is told so', async () => {
    const sagaId = await begun();
    await service.saga.publishAbort({ saga: Opening, sagaId, reason: 'changed my mind' });
    await settled(ground);
    const late = { accepted: false, because: 'decided', outcome: 'rejected' };
    expect(await service.saga.signal(sagaId, approve, granted())).toEqual(late);
  });

  it('for a step that was cancelled before it began is told so', async () => {
    const sagaId = '00000000-0000-4000-8000-000000000002';
    await ground.transport.deliver([eventRecord(Opening, 'saga', 'abortRequested', { reason: 'no' }, { sagaId })]);
    const late = { accepted: false, because: 'decided', outcome: 'cancelled' };
    expect(await service.saga.signal(sagaId, approve, granted())).toEqual(late);
  });

  it('that is no event of the step is an error, and decides nothing', async () => {
    const sagaId = await begun();
    const wrong = [new Denied({ accountId: 'a-1', reason: 'x' }), new StepRejected('x'), {}];
    for (const signal of wrong)
      await expect(service.saga.signal(sagaId, activate, signal)).rejects.toMatchObject({ code: 'INVALID_SIGNAL' });
    const unchecked = Object.assign(granted(), { by: 7 });
    await expect(service.saga.signal(sagaId, approve, unchecked)).rejects.toThrow(/by/);
    expect(await statuses(sagaId)).toMatchObject({ approve: 'running' });
    expect(Granted.type).toBe('approval.granted');
  });

  it('to a service that does not own the step is an error', async () => {
    const other = new Service(ground, opening().slice(0, 2), { name: 'bank' });
    await expect(other.saga.signal('x', approve, granted())).rejects.toMatchObject({ code: 'STEP_NOT_HERE' });
  });
});

describe('a request to abort', () => {
  it('ends a saga that waits for somebody', async () => {
    const sagaId = await begun();
    await service.saga.publishAbort({ saga: Opening, sagaId, reason: 'changed my mind' });
    await settled(ground);
    expect(await statuses(sagaId)).toEqual(closed);
    expect(ground.store.effects.slice(1)).toEqual(['released: abort: changed my mind', 'withdrawn']);
  });

  it('ends a saga whose next step fails and has no effect', async () => {
    const trouble = (): never => {
      throw new Error('away');
    };
    service.kill();
    service = await Service.started(ground, opening({ approve: trouble }));
    const sagaId = await begun();
    expect(await service.row(sagaId, 'approve')).toMatchObject({ status: 'running', attempts: 1 });
    await service.saga.publishAbort({ saga: Opening, sagaId, reason: 'changed my mind' });
    await settled(ground);
    expect(await statuses(sagaId)).toEqual(closed);
  });
});
