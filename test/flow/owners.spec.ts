import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../libs/saga/src/adapters/memory/memory-store.js';
import type { IncomingRecord } from '../../libs/saga/src/ports/transport.js';
import { Booking } from './stage/booking.js';
import { charging, confirmRefused, reserved } from './stage/charging.js';
import { EffectStore } from './stage/effect-store.js';
import { received } from './stage/records.js';
import { other, replica, reserving, warned } from './stage/replicas.js';
import { Ground, Service } from './stage/service.js';

let ground: Ground;
beforeEach(() => void (ground = new Ground()));

describe('a step that two services have a method for', () => {
  it('is run by the one that announced it first, which both say', async () => {
    const first = await replica(ground, [charging()]);
    const second = await other(ground, 'bank', [charging()]);
    const record = reserved(randomUUID());
    await second.receive(record);
    await first.receive(record);
    await ground.clock.advance(1_000);
    expect([ground.store.effects, second.store.effects]).toEqual([['charge b-1'], []]);
    const said =
      'Step "charge" of saga "booking" version 1 has a method in services "bank" and "hotel". Service "hotel" announced it first and runs it';
    expect([warned(first, said), warned(second, said)].map((lines) => lines.length)).toEqual([1, 1]);
  });

  it('stays with the first while that is away, and when both start again in the other order', async () => {
    const first = await replica(ground, [charging()]);
    const second = await other(ground, 'bank', [charging()]);
    for (const service of [first, second]) {
      await service.announcer!.stop(1_000);
      service.kill();
    }
    await ground.clock.advance(300_000);
    const again = await other(ground, 'bank', [charging()]);
    await again.receive(reserved(randomUUID()));
    expect([again.store.effects, again.tally.snapshot().ignored]).toEqual([[], 1]);
    expect(warned(again, 'has a method in this service, but is another')).toHaveLength(1);
  });

  it('has one owner when both start at the same time', async () => {
    const stores = [ground.store, new EffectStore(new MemoryStore(ground.clock))];
    const names = ['hotel', 'bank'];
    const services = stores.map((store, index) => new Service(ground, [charging()], { name: names[index]!, store, announces: true })); // prettier-ignore
    await Promise.all(services.map((service) => service.announced()));
    for (const { saga } of services) await saga.start();
    const record = reserved(randomUUID());
    for (const name of names) await ground.transport.deliver([record], name);
    expect(stores.flatMap(({ effects }) => effects)).toEqual(['charge b-1']);
  });

  it('is taken from a service that is gone for good by one that says so', async () => {
    const first = await replica(ground, [charging()]);
    await first.announcer!.stop(1_000);
    first.kill();
    const renamed = await other(ground, 'lodging', [charging()], { takesOver: ['hotel'] });
    await renamed.receive(reserved(randomUUID()));
    expect(renamed.store.effects).toEqual(['charge b-1']);
  });

  it('is not taken from one that is there', async () => {
    const first = await replica(ground, [charging()]);
    const greedy = await other(ground, 'lodging', [charging()], { takesOver: ['hotel'] });
    const record = reserved(randomUUID());
    for (const service of [greedy, first]) await service.receive(record);
    expect([ground.store.effects, greedy.store.effects]).toEqual([['charge b-1'], []]);
  });

  it('that begins a saga begins none in the second, which says where', async () => {
    await replica(ground, [reserving()]);
    const second = await other(ground, 'bank', [reserving()]);
    await expect(second.saga.startSaga(Booking, {})).rejects.toMatchObject({
      code: 'STEP_OWNED_ELSEWHERE',
      message: expect.stringContaining('is run by service "hotel", which announced it first') as string,
    });
  });
});

describe('a step that is moved from one service to another', () => {
  const place = 'booking@1/charge';
  const at = (record: IncomingRecord): IncomingRecord => ({ ...record, at: ground.clock.now().getTime() });

  /** What was published since, to both services, until nothing new comes. */
  async function delivered(
    services: readonly { receive(record: IncomingRecord): Promise<void> }[],
    record: IncomingRecord,
  ) {
    let seen = ground.transport.published.length;
    for (const service of services) await service.receive(record);
    for (; seen < ground.transport.published.length; seen += 1) {
      const message = ground.transport.published[seen]!;
      if (message.topic === 'saga.booking')
        for (const service of services) await service.receive(at(received(message)));
    }
  }

  it('charges each saga once: those under way where they began, all others in the new one', async () => {
    const before = await replica(ground, [charging()]);
    const bank = await other(ground, 'bank', [charging()]);
    const underWay = randomUUID();
    await delivered([before, bank], at(reserved(underWay, 'under way')));
    const hotel = await replica(ground, [charging()], { handsOver: [place] });
    await ground.clock.advance(1_000);
    const mixed = randomUUID();
    await delivered([before, bank], at(reserved(mixed, 'mixed'))); // a replica of before is there still: nothing has moved
    expect(bank.store.effects).toEqual([]);
    await before.announcer!.stop(1_000);
    before.state = 'dead';
    await ground.clock.advance(11_000);
    const fresh = [randomUUID(), randomUUID()];
    for (const sagaId of fresh) await delivered([bank, hotel], at(reserved(sagaId, 'fresh')));
    expect(ground.store.effects).toEqual(['charge under way', 'charge mixed']);
    expect(bank.store.effects).toEqual(['charge fresh', 'charge fresh']);
    for (const sagaId of [underWay, fresh[0]!]) await delivered([hotel, bank], at(confirmRefused(sagaId)));
    await ground.clock.advance(1_000);
    expect(ground.store.effects.slice(2)).toEqual(['refund under way']);
    expect(bank.store.effects.slice(2)).toEqual(['refund fresh']);
    await ground.clock.advance(600_000);
    hotel.kill();
    const late = at(reserved(randomUUID(), 'by itself'));
    await bank.receive(late);
    expect(bank.store.effects.at(-1)).toBe('charge by itself');
    expect(bank.tally.snapshot().anomaly).toBe(0);
  });

  it('stays where it is while nobody takes it', async () => {
    const hotel = await replica(ground, [charging()], { handsOver: [place] });
    await ground.clock.advance(60_000);
    await hotel.receive(at(reserved(randomUUID())));
    expect(ground.store.effects).toEqual(['charge b-1']);
  });

  it('waits in the new service when it is passed on before that has heard that it is its', async () => {
    await replica(ground, [charging()]);
    const bank = await other(ground, 'bank', [charging()]);
    const record = reserved(randomUUID());
    const headers = { ...record.headers, ce_sagahandover: JSON.stringify({ from: 'hotel', steps: ['charge'] }) };
    await bank.receive({ ...record, headers });
    expect(bank.store.effects).toEqual([]);
    expect(await bank.store.deadLetters.list({ state: 'open', limit: 10 })).toMatchObject([{ wanted: ['charge'] }]);
    await replica(ground, [charging()], { handsOver: [place] });
    await ground.clock.advance(100_000);
    expect(bank.store.effects).toEqual([]); // a replica without handsOver is there still
  });
});
