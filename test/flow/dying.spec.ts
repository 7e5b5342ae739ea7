import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { retentionOf } from '../../libs/saga/src/flow/retention/retention.js';
import type { BoundStep } from '../../libs/saga/src/flow/bound-step.js';
import { Bank } from './stage/bank.js';
import { Booking, CardCharged, Delivered, Payment, type RoomReserved } from './stage/booking.js';
import { charging, confirmRefused, reserved, write } from './stage/charging.js';
import { settled } from './stage/network.js';
import { approve, granted, Opening, opening, second } from './stage/opening.js';
import { eventRecord } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

const lease = 30 * second;
const aWhile = 300 * second;

let ground: Ground;
let service: Service;
let sagaId: string;
beforeEach(() => {
  ground = new Ground();
  sagaId = randomUUID();
});

async function lives(steps: readonly BoundStep[] = [charging()], claimedFor = lease): Promise<void> {
  service = await Service.started(ground, steps, { settings: { lease: claimedFor } });
}

function diesAt(moment: 'begin' | 'commit' | 'committed'): void {
  ground.store.trouble = (now) => {
    if (now !== moment) return;
    ground.store.trouble = () => undefined;
    service.kill();
    if (now !== 'committed') throw new Error('killed');
  };
}

describe('a process that dies', () => {
  it('between a publication and its deletion from the outbox: the next life publishes the event again, under the same id', async () => {
    await lives();
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(1);
    service.kill();
    expect(await ground.store.outbox.backlog()).toMatchObject({ size: 1 });
    await lives();
    await ground.clock.advance(1);
    const event = `${sagaId}:charge:done`;
    expect(ground.transport.eventIds).toEqual([event, event]);
    expect(await ground.store.outbox.backlog()).toEqual({ size: 0 });
  });

  it('in the middle of an undo: nothing of it is left, and it is undone once when its event comes again', async () => {
    const undo = (_: object, saga: Parameters<typeof write>[0]): never => {
      write(saga, 'refund');
      service.kill();
      throw new Error('killed');
    };
    await lives([bind(Booking, 'charge', (room: RoomReserved) => new CardCharged(room), { undo })]);
    await ground.transport.deliver([reserved(sagaId)]);
    void ground.transport.deliver([confirmRefused(sagaId)]);
    await ground.clock.advance(aWhile);
    expect([ground.store.effects, (await service.row(sagaId, 'charge'))?.status]).toEqual([[], 'done']);
    await lives();
    await ground.transport.deliver([confirmRefused(sagaId)]);
    await ground.clock.advance(1);
    expect(ground.store.effects).toEqual(['refund b-1']);
    expect(ground.transport.eventIds.at(-1)).toBe(`${sagaId}:charge:compensated`);
  });

  it('in an attempt that it had claimed: the next is made when the claim ends, and the failures before it still count', async () => {
    let attempts = 0;
    const trouble = (): never => {
      attempts += 1;
      if (attempts === 2) service.kill();
      throw new Error('the card machine is away');
    };
    await lives([charging({ 'b-1': trouble })]);
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.clock.advance(2 * second);
    await lives();
    await ground.clock.advance(lease - 5 * second);
    expect(await service.row(sagaId, 'charge')).toMatchObject({ status: 'running', attempts: 1 });
    await ground.clock.advance(5 * second);
    expect(attempts).toBe(2);
    expect(ground.store.effects).toEqual(['charge b-1']);
  });

  it('while it asks what came of work outside: it is asked again when the lease ends, and the work is not done again', async () => {
    const bank = new Bank();
    const asking = (resolve: () => unknown): readonly BoundStep[] => [bind(Payment, 'deliver', bank.call, { resolve })];
    await lives(asking(() => undefined));
    await ground.transport.deliver([eventRecord(Payment, 'pay', 'done', { bookingId: 'b-1' }, { sagaId })]);
    service.kill();
    let asked = 0;
    const neverAnswered = (): unknown => {
      asked += 1;
      return new Promise(() => service.kill());
    };
    await lives(asking(neverAnswered));
    await ground.clock.advance(lease + 2 * second);
    expect([asked, service.state]).toEqual([1, 'dead']);
    await lives(asking(() => new Delivered({ bookingId: 'b-1' })));
    await ground.clock.advance(lease + 2 * second);
    expect(await service.row(sagaId, 'deliver')).toMatchObject({ status: 'done' });
    expect(bank.calls).toHaveLength(1);
  });

  it('between two batches of a purge: the next life forgets the rest', async () => {
    const retention = retentionOf({ keep: 3 * second, margin: second, every: second, batchSize: 1 });
    const other = randomUUID();
    const left = async (): Promise<number> =>
      [...(await ground.store.find(sagaId)), ...(await ground.store.find(other))].length;
    service = await Service.started(ground, [charging()], { retention });
    await ground.transport.deliver([confirmRefused(sagaId), confirmRefused(other)]);
    while ((await left()) === 2) await ground.clock.advance(10);
    service.kill();
    expect(await left()).toBe(1);
    await ground.clock.advance(aWhile);
    expect(await left()).toBe(1);
    service = await Service.started(ground, [charging()], { retention });
    await ground.clock.advance(2 * second);
    expect(await left()).toBe(0);
  });
});

describe('while a person is waited for, a process that dies', () => {
  beforeEach(async () => {
    await lives(opening());
    ({ sagaId } = await service.saga.startSaga(Opening, {}));
    await settled(ground);
  });

  const signal = () => service.saga.signal(sagaId, approve, granted());

  it('before the commit of a signal decides nothing: it is given again, and accepted', async () => {
    diesAt('commit');
    const refused = signal().catch((error: unknown) => error);
    await ground.clock.advance(second);
    expect(await refused).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect([service.state, (await service.row(sagaId, 'approve'))?.status]).toEqual(['dead', 'running']);
    await lives(opening());
    expect(await signal()).toEqual({ accepted: true, existing: false });
  });

  it('after the commit of a signal has decided, though nobody was told: given again it is accepted as what it is', async () => {
    diesAt('committed');
    void signal();
    await ground.clock.advance(second);
    expect(service.state).toBe('dead');
    await lives(opening());
    expect(await signal()).toEqual({ accepted: true, existing: true });
    await settled(ground);
    expect(new Set(ground.transport.eventIds)).toContain(`${sagaId}:activate:done`);
  });

  it('with a timer in its hands leaves it to the next, which ends it once when the claim ends', async () => {
    service.kill();
    await lives(opening(), 10 * second); // before what was reserved expires as well
    await ground.clock.advance(70 * second);
    diesAt('begin');
    await ground.clock.advance(3 * second);
    expect([service.state, (await service.row(sagaId, 'approve'))?.status]).toEqual(['dead', 'running']);
    await lives(opening(), 10 * second);
    await ground.clock.advance(10 * second);
    await settled(ground);
    const ends = ground.transport.events.filter(({ id }) => id === `${sagaId}:approve:rejected`);
    expect(ends).toMatchObject([{ cause: { step: 'approve', reason: 'deadline exceeded' } }]);
  });
});
