import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Repository } from 'typeorm';
import { Booking, CardCharged, CardRefunded, RoomReserved } from '../flow/stage/booking.js';
import { confirmRefused, reserved } from '../flow/stage/charging.js';
import { sagaIds } from '../flow/stage/records.js';
import { bind, Ground, Service } from '../flow/stage/service.js';
import { Line, PostgresScene } from './postgres-scene.js';
import { commits, recordingClient, statements, type Conversation } from './recording.js';

// What the library says to Postgres. Every line is a round trip; every COMMIT is a flush of the log. Both are what a saga costs.

let scene: PostgresScene;
let lines: Repository<Line>;
let ground: Ground;
const conversation: Conversation = [];

beforeAll(async () => {
  scene = await PostgresScene.open({ extra: { Client: recordingClient(conversation) } });
  lines = scene.dataSource.getRepository(Line);
});
afterAll(() => scene.close());
beforeEach(async () => {
  await scene.emptied();
  ground = new Ground();
});

const begin = ['START TRANSACTION', 'mark', 'SELECT saga_step FOR UPDATE'];
const own = 'INSERT INTO line';
const roundTrips = 3;

const save = ['proof', 'INSERT INTO saga_step', 'INSERT INTO saga_outbox', 'COMMIT'];

/** What was said, without what is deleted of earlier batches, and how long locks are waited for, which travels along. */
const said = (): readonly string[] =>
  statements(conversation).filter(
    (statement) => statement !== 'DELETE FROM saga_outbox' && !/^(?:SELECT set_config|SET LOCAL)/.test(statement),
  );

async function listening(run: (room: RoomReserved) => Promise<CardCharged>): Promise<Service> {
  const undo = (done: CardCharged): CardRefunded => new CardRefunded({ bookingId: done.bookingId, why: '' });
  const source = bind(Booking, 'reserve', () => new RoomReserved({ bookingId: 'b-1' }));
  const service = new Service(ground, [source, bind(Booking, 'charge', run, { undo })], {
    store: scene.store,
    settings: { lanes: 1 },
  });
  await service.saga.start();
  conversation.length = 0;
  return service;
}

const charge = async ({ bookingId }: RoomReserved): Promise<CardCharged> => new CardCharged({ bookingId });
const chargeAndWrite = async (room: RoomReserved): Promise<CardCharged> => {
  await lines.insert({ id: randomUUID() });
  return charge(room);
};

describe('what an event costs', () => {
  it("an event alone costs at most 3 round trips and exactly 1 commit beside the handler's own", async () => {
    await listening(charge);
    await ground.transport.deliver([reserved(randomUUID())]);
    expect(said()).toEqual([...begin, ...save]);
    expect(conversation.length).toBeLessThanOrEqual(roundTrips);
  });

  it("with a handler's own statement it costs one more, inside the same transaction", async () => {
    await listening(chargeAndWrite);
    await ground.transport.deliver([reserved(randomUUID())]);
    expect(said()).toEqual([...begin, own, ...save]);
    expect(conversation.length - 1).toBeLessThanOrEqual(roundTrips);
  });

  it.each([2, 10, 50])('a batch of %i costs the same as one event', async (size) => {
    await listening(charge);
    await ground.transport.deliver(sagaIds(size).map((sagaId) => reserved(sagaId)));
    expect(said()).toEqual([...begin, ...save]);
    expect(conversation.length).toBeLessThanOrEqual(roundTrips);
    expect((await scene.store.outbox.backlog()).size).toBe(size);
  });

  it('a batch leaves every handler its own statements, and no savepoints', async () => {
    await listening(chargeAndWrite);
    await ground.transport.deliver(sagaIds(3).map((sagaId) => reserved(sagaId)));
    expect(said()).toEqual([...begin, own, own, own, ...save]);
    expect(conversation.length - 3).toBeLessThanOrEqual(roundTrips);
  });

  it('an undo costs the same, and lets go of what the step holds', async () => {
    await listening(charge);
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    conversation.length = 0;
    await ground.transport.deliver([confirmRefused(sagaId)]);
    const [proof, rows, ...rest] = save;
    expect(said()).toEqual([...begin, proof, rows, 'UPDATE saga_lock', 'DELETE FROM saga_lock', ...rest]);
    expect(conversation.length).toBeLessThanOrEqual(roundTrips);
  });

  it('a start with a key costs the same; without one its saga id is new, so there is no row to look for', async () => {
    const service = await listening(charge);
    await service.saga.startSaga(Booking, { bookingId: 'b-1' }, { key: 'b-1' });
    expect(said()).toEqual([...begin, ...save]);
    expect(conversation.length).toBeLessThanOrEqual(roundTrips);
    conversation.length = 0;
    await service.saga.startSaga(Booking, { bookingId: 'b-1' });
    expect(said()).toEqual(['START TRANSACTION', 'mark', ...save]);
    expect(conversation.length).toBeLessThanOrEqual(roundTrips);
  });

  it('a duplicate costs 2 round trips and writes nothing', async () => {
    await listening(charge);
    const record = reserved(randomUUID());
    await ground.transport.deliver([record]);
    ground = new Ground();
    await listening(charge);
    await ground.transport.deliver([record]);
    expect(said()).toEqual([...begin, 'proof', 'COMMIT']);
    expect(conversation).toHaveLength(2);
  });

  it('publishing costs nothing: published messages leave the outbox with the next batch', async () => {
    await listening(charge);
    await ground.transport.deliver(sagaIds(20).map((sagaId) => reserved(sagaId)));
    await ground.transport.deliver([reserved(randomUUID())]);
    expect(commits(conversation)).toBe(2);
    expect(conversation.length).toBeLessThanOrEqual(2 * roundTrips);
    expect(statements(conversation)).toContain('DELETE FROM saga_outbox');
    expect(ground.transport.published).toHaveLength(21);
    expect((await scene.store.outbox.backlog()).size).toBe(1);
  });

  it('a batch in which a handler throws is rolled back, and its members are settled one by one', async () => {
    await listening(async (room) => {
      if (room.bookingId === 'b-2') throw new Error('away');
      return chargeAndWrite(room);
    });
    const ids = sagaIds(2);
    await ground.transport.deliver([reserved(ids[0]!, 'b-1'), reserved(ids[1]!, 'b-2')]);
    const told = ['START TRANSACTION', own, 'COMMIT', 'ROLLBACK'];
    expect(statements(conversation).filter((statement) => told.includes(statement))).toEqual(
      [
        ['START TRANSACTION', own, 'ROLLBACK'], // together
        ['START TRANSACTION', own, 'COMMIT'], // the first alone
        ['START TRANSACTION', 'ROLLBACK'], // the second alone
        ['START TRANSACTION', 'COMMIT'], // the second parked
      ].flat(),
    );
    expect(await scene.lines()).toHaveLength(1);
  });
});
