import { beforeEach, describe, expect, it } from 'vitest';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import type { TimerKind } from '../../libs/saga/src/ports/timers.js';
import { settled } from './stage/network.js';
import { approve, granted, Opening, opening, second, Submitted, submit } from './stage/opening.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

let ground: Ground;
let service: Service;

beforeEach(async () => {
  ground = new Ground();
  service = await Service.started(ground, opening());
});

const away = (): never => {
  throw new Error('away');
};

async function restarted(steps: readonly BoundStep[]): Promise<void> {
  service.kill();
  service = await Service.started(ground, steps);
}

async function begun(): Promise<string> {
  const { sagaId } = await service.saga.startSaga(Opening, {});
  await settled(ground);
  return sagaId;
}

async function pass(ms: number): Promise<void> {
  await ground.clock.advance(ms);
  await settled(ground);
}

const timers = async (sagaId: string): Promise<Partial<Record<TimerKind, number>>> =>
  Object.fromEntries(
    (await ground.store.timers.ofSaga(sagaId)).map(({ kind, dueIn }) => [kind, Math.round(dueIn / second)]),
  );
const statuses = async (sagaId: string): Promise<Record<string, string>> =>
  Object.fromEntries((await ground.store.find(sagaId)).map(({ step, status }) => [step, status]));
const closed = { submit: 'compensated', reserve: 'compensated', approve: 'rejected', activate: 'cancelled' };
const aborts = (): readonly string[] => ground.transport.eventIds.filter((id) => id.includes(':saga:abortRequested:'));

describe('timers', () => {
  it('run with the steps that they are for, and end with them', async () => {
    const sagaId = await begun();
    expect(await timers(sagaId)).toEqual({ deadline: 72, reservation: 96, sagaDeadline: 120 });
    await service.saga.signal(sagaId, approve, granted());
    expect(await timers(sagaId)).toEqual({ reservation: 96, sagaDeadline: 120 });
    await settled(ground);
    expect(await timers(sagaId)).toEqual({});
  });

  it('of a step that is undone end with it', async () => {
    const sagaId = await begun();
    await pass(73 * second);
    expect(await statuses(sagaId)).toEqual(closed);
    expect(await timers(sagaId)).toEqual({});
  });

  it("end when the pivot's event arrives, however often, and before whatever else does", async () => {
    const sagaId = await begun();
    await service.saga.signal(sagaId, approve, granted());
    const committed = eventRecord(Opening, 'approve', 'done', granted(), { sagaId });
    for (let round = 0; round < 3; round += 1) await ground.transport.deliver([committed]);
    expect(await timers(sagaId)).toEqual({});
    await pass(200 * second);
    expect(aborts()).toEqual([]);
  });

  it('are not set for a step that begins and ends in one transaction', async () => {
    await restarted(opening({ approve: () => granted() }));
    await begun();
    await ground.clock.advance(0);
    const set = ground.transport.eventIds.length;
    expect(set).toBeGreaterThan(0);
    expect(await ground.store.timers.claim(10, 1)).toEqual([]);
    await pass(200 * second);
    expect(aborts()).toEqual([]);
  });
});

describe('a deadline of a step', () => {
  it('rejects a step that waits for somebody, and who signals later is told', async () => {
    const sagaId = await begun();
    await pass(71 * second);
    expect(await statuses(sagaId)).toMatchObject({ approve: 'running' });
    await pass(3 * second);
    expect(await statuses(sagaId)).toEqual(closed);
    expect(ground.store.effects).toContain('released: approve: deadline exceeded');
    const late = await service.saga.signal(sagaId, approve, granted());
    expect(late).toEqual({ accepted: false, because: 'expired', outcome: 'rejected' });
  });

  it.each([
    ['and nobody has seen to it', async () => undefined],
    ['and a process died that had seen to it', () => ground.store.timers.claim(10, 60 * second)],
  ])('that passed while the service was away ends the step before any signal, %s', async (_, meanwhile) => {
    const sagaId = await begun();
    service.kill();
    await ground.clock.advance(73 * second);
    await meanwhile();
    service = await Service.started(ground, opening());
    const late = await service.saga.signal(sagaId, approve, granted());
    expect(late).toEqual({ accepted: false, because: 'expired', outcome: 'rejected' });
    await settled(ground);
    expect(await statuses(sagaId)).toEqual(closed);
    expect(await timers(sagaId)).toEqual({});
  });

  it('that passed while the service was away ends the step before its next attempt', async () => {
    const attempts: number[] = [];
    const failing = bind(
      Opening,
      'approve',
      () => {
        attempts.push(ground.clock.now().getTime());
        throw new Error('away');
      },
      { retry: { retries: Infinity, firstDelay: 60 * second, maxDelay: 60 * second } },
    );
    const steps = opening().map((bound) => (bound.node === approve ? failing : bound));
    await restarted(steps);
    const sagaId = await begun();
    service.kill();
    await ground.clock.advance(73 * second);
    await ground.store.timers.claim(10, 600 * second);
    service = await Service.started(ground, steps);
    await pass(second);
    expect(attempts).toHaveLength(1);
    expect(await statuses(sagaId)).toEqual(closed);
  });

  it('rejects a step whose attempts fail, which left no effect', async () => {
    const forever = { retries: Infinity, firstDelay: second, maxDelay: second };
    const steps = opening().map((bound) =>
      bound.node === approve ? bind(Opening, 'approve', away, { retry: forever }) : bound,
    );
    await restarted(steps);
    const sagaId = await begun();
    await pass(71 * second);
    expect(await service.row(sagaId, 'approve')).toMatchObject({ status: 'running', attempts: 72 });
    await pass(second);
    expect(await statuses(sagaId)).toEqual(closed);
  });

  it('never rejects a step that must be done: it raises an alert, once, and the attempts go on', async () => {
    let down = true;
    const steps = opening({ approve: () => granted() }).map((bound) =>
      bound.node.name === 'activate'
        ? {
            ...bound,
            run: async () => (down ? away() : {}),
            retry: { retries: Infinity, firstDelay: second, maxDelay: second, jitter: 0 },
          }
        : bound,
    );
    await restarted(steps);
    const sagaId = await begun();
    await pass(5 * second);
    expect(await statuses(sagaId)).toMatchObject({ activate: 'running' });
    expect(service.logs.filter((line) => line.includes('not done after 2000 ms'))).toHaveLength(1);
    expect(aborts()).toEqual([]);
    down = false;
  });

  it('is counted from its beginning, also when nobody was there when it ended', async () => {
    const sagaId = await begun();
    service.kill();
    await ground.clock.advance(200 * second);
    service = await Service.started(ground, opening());
    await pass(2 * second);
    expect(await statuses(sagaId)).toEqual(closed);
    const published = ground.transport.eventIds.filter((id) => id === `${sagaId}:approve:rejected`);
    expect(published).toHaveLength(1);
  });

  it('that two replicas see to ends once', async () => {
    const replica = await Service.started(ground, opening());
    const sagaId = await begun();
    await pass(73 * second);
    expect(await statuses(sagaId)).toEqual(closed);
    const rejected = [...service.mirrored, ...replica.mirrored].filter(({ id }) => id === `${sagaId}:approve:rejected`);
    expect(rejected).toHaveLength(1);
  });

  it('stays due while the database is away, and ends when it is back', async () => {
    const sagaId = await begun();
    service.state = 'cut';
    await ground.clock.advance(73 * second);
    expect(await statuses(sagaId)).toMatchObject({ approve: 'running' });
    service.state = 'well';
    await pass(40 * second);
    expect(await statuses(sagaId)).toEqual(closed);
  });
});

describe('a deadline of a step that works outside', () => {
  it('does not reject it while nobody knows: an abort is requested, and whoever reads the log is told', async () => {
    const external = { ...Opening.steps.approve, external: true };
    const steps = opening().map((bound) =>
      bound.node === approve ? { ...bound, node: external, run: () => new Promise<never>(() => undefined) } : bound,
    );
    await restarted(steps);
    const sagaId = await begun();
    await pass(73 * second);
    expect(await statuses(sagaId)).toEqual({ submit: 'done', reserve: 'done', approve: 'running' });
    expect(aborts()).toEqual([expect.stringContaining(sagaId)]);
    expect(service.logs.some((line) => line.includes('"approve"') && line.includes('outcome is not known'))).toBe(true);
  });
});

describe('a reservation', () => {
  it('that ends before the pivot asks for an abort, and is undone like anything else', async () => {
    const slow = { ...Opening, steps: { ...Opening.steps, approve: { ...approve, deadline: 500 * second } } };
    const steps = opening().map((bound) =>
      bound.node === approve ? { ...bound, saga: slow, node: slow.steps.approve } : bound,
    );
    await restarted(steps);
    const sagaId = await begun();
    await pass(96 * second + 2 * second);
    expect(await statuses(sagaId)).toEqual(closed);
    expect(aborts()).toEqual([expect.stringContaining(sagaId)]);
    expect(ground.store.effects).toContain('released: reserve: reservation of "reserve" expired');
  });
});

describe('a deadline of a saga', () => {
  it('asks for an abort of what has not committed', async () => {
    const only = [bind(Opening, 'submit', () => new Submitted({ accountId: 'a-1' }), { undo: () => undefined })];
    await restarted(only);
    const { sagaId } = await service.saga.startSaga(Opening, {});
    expect(await timers(sagaId)).toEqual({ sagaDeadline: 120 });
    await pass(120 * second + 2 * second);
    expect(aborts()).toEqual([expect.stringContaining(sagaId)]);
    const [event] = ground.transport.events.filter(({ outcome }) => outcome === 'abortRequested');
    expect(event).toMatchObject({ cause: { step: 'deadline', reason: 'deadline exceeded' }, correlationId: sagaId });
    expect(await timers(sagaId)).toEqual({});
    expect(submit.role).toBe('compensatable');
  });

  it('does nothing when the saga was closed meanwhile', async () => {
    const only = [bind(Opening, 'submit', () => new Submitted({ accountId: 'a-1' }), { undo: () => undefined })];
    await restarted(only);
    const { sagaId } = await service.saga.startSaga(Opening, {});
    await ground.transport.deliver([
      eventRecord(Opening, 'reserve', 'rejected', { failedStep: 'reserve', reason: 'no' }, { sagaId }),
    ]);
    expect(await statuses(sagaId)).toEqual({ submit: 'compensated' });
    expect(await timers(sagaId)).toEqual({});
    await pass(200 * second);
    expect(aborts()).toEqual([]);
  });
});
