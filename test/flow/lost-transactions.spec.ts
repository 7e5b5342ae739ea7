import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransactionLost } from '../../libs/saga/src/ports/step-store.js';
import { Booking, CardCharged, CardRefunded, RoomReserved } from './stage/booking.js';
import { confirmRefused, reserved } from './stage/charging.js';
import { sagaIds } from './stage/records.js';
import { bind, Ground, Service } from './stage/service.js';

// A transaction that somebody else has ended: what its methods wrote may be there.

let ground: Ground;
let calls: string[];
let service: Service;

const charge = bind(
  Booking,
  'charge',
  async ({ bookingId }: RoomReserved, { sagaId }) => {
    calls.push(`charge ${sagaId}`);
    return new CardCharged({ bookingId });
  },
  {
    undo: async (done: CardCharged, { sagaId }) => {
      calls.push(`refund ${sagaId}`);
      return new CardRefunded({ bookingId: done.bookingId, why: '' });
    },
  },
);
const reserve = bind(Booking, 'reserve', async (_input: unknown, { sagaId }) => {
  calls.push(`reserve ${sagaId}`);
  return new RoomReserved({ bookingId: 'b-1' });
});

beforeEach(async () => {
  ground = new Ground();
  calls = [];
  service = await Service.started(ground, [reserve, charge]);
});

/** The commits that come are lost, one after the other, as many as said. */
function lose(times: number): void {
  let left = times;
  ground.store.trouble = (now) => {
    if (now !== 'commit' || left === 0) return;
    left -= 1;
    throw new TransactionLost();
  };
}

const aDay = 86_400_000;
const letters = async (): Promise<readonly string[]> =>
  (await ground.store.deadLetters.list({ state: 'open', limit: 100 })).map(({ kind, sagaId }) => `${kind} ${sagaId}`);

describe('when a transaction is lost', () => {
  it('every member whose method ran is undecided and waits for a person: none is repeated, rejected or settled alone', async () => {
    const ids = sagaIds(3);
    lose(1);
    await ground.transport.deliver(ids.map((sagaId) => reserved(sagaId)));
    await ground.clock.advance(aDay);
    expect(calls).toEqual(ids.map((sagaId) => `charge ${sagaId}`));
    expect((await letters()).toSorted()).toEqual(ids.map((sagaId) => `undecided ${sagaId}`).toSorted());
    for (const sagaId of ids) {
      const row = await service.row(sagaId, 'charge');
      expect(row).toMatchObject({ status: 'running', undecided: { earlier: true } });
      expect(row?.dueIn).toBeUndefined();
      expect(row?.lastError).toContain('ended by somebody else');
    }
    expect(ground.transport.published).toEqual([]);
  });

  it('the same record again calls no method', async () => {
    const sagaId = randomUUID();
    lose(1);
    await ground.transport.deliver([reserved(sagaId)]);
    await ground.transport.deliver([reserved(sagaId)]);
    expect(calls).toEqual([`charge ${sagaId}`]);
  });

  it('and it cannot be recorded either, the record comes again, and the method is not called again', async () => {
    const sagaId = randomUUID();
    lose(2);
    await expect(ground.transport.deliver([reserved(sagaId)])).rejects.toBeInstanceOf(TransactionLost);
    await ground.transport.deliver([reserved(sagaId)]);
    expect(calls).toEqual([`charge ${sagaId}`]);
    expect(await letters()).toEqual([`undecided ${sagaId}`]);
  });

  it('whoever started the saga is told, and where it waits', async () => {
    lose(1);
    const start = service.saga.startSaga(Booking, { bookingId: 'b-1' });
    await expect(start).rejects.toMatchObject({
      code: 'TRANSACTION_LOST',
      facts: { step: 'reserve', retriable: false },
    });
    const [sagaId] = calls.map((call) => call.split(' ')[1]!);
    expect(await letters()).toEqual([`undecided ${sagaId}`]);
    expect(calls).toHaveLength(1);
  });

  it('an undo whose method ran is a dead letter', async () => {
    const sagaId = randomUUID();
    await ground.transport.deliver([reserved(sagaId)]);
    calls.length = 0;
    lose(1);
    await ground.transport.deliver([confirmRefused(sagaId)]);
    await ground.clock.advance(aDay);
    expect(calls).toEqual([`refund ${sagaId}`]);
    expect((await service.row(sagaId, 'charge'))?.status).toBe('deadLettered');
    expect(await letters()).toEqual([`compensation ${sagaId}`]);
  });

  it('a member whose method did not run is settled as ever', async () => {
    const [first, second] = sagaIds(2);
    lose(1);
    await ground.transport.deliver([reserved(first!), confirmRefused(second!)]);
    expect(await letters()).toEqual([`undecided ${first}`]);
    expect((await service.row(second!, 'charge'))?.status).toBe('cancelled');
  });
});
